/* Runs the model on every row that is given: a count, then row after row; writes what comes out. */
#include "buffers.h"
#include "model.h"
#include "port.h"

int main(void) {
    uint16_t rows;
    port_start();
    port_read(&rows, sizeof rows);
    while (rows--) {
        BUFFERS_READ();
        port_begin();
        BUFFERS_CALL();
        port_end();
        BUFFERS_WRITE();
    }
    port_stop();
    return 0;
}
