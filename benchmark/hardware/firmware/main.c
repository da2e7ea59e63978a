/* Runs the model on every row that is given, call after call; writes what comes out. */
#include "buffers.h"
#include "model.h"
#include "port.h"

int main(void) {
    /* Rows, and calls for each: one, or the hops of a stream. */
    uint16_t counts[2];
    port_start();
    port_read(counts, sizeof counts);
    while (counts[0]--) {
        BUFFERS_RESET();
        for (uint16_t call = 0; call < counts[1]; call++) {
            BUFFERS_READ();
            port_begin();
            BUFFERS_CALL();
            port_end();
            BUFFERS_WRITE();
        }
    }
    port_stop();
    return 0;
}
