/* AVR: bytes from and to the runner through general-purpose registers that nothing else uses. */
#include "port.h"

#include <avr/io.h>

/* Also in firmware/avr_runner.c. */
enum { BEGIN = 1, END = 2, STOP = 3 };

#define STACK_PAINT 0xA5

extern uint8_t __heap_start;

void port_start(void) {
    /* All below what this function may still use. */
    for (uint8_t *byte = &__heap_start; (uint16_t)byte < SP - 16; byte++) {
        *byte = STACK_PAINT;
    }
}

void port_read(void *into, uint32_t bytes) {
    uint8_t *to = into;
    for (uint16_t left = (uint16_t)bytes; left; left--) {
        *to++ = GPIOR2;
    }
}

void port_write(const void *from, uint32_t bytes) {
    const uint8_t *byte = from;
    for (uint16_t left = (uint16_t)bytes; left; left--) {
        GPIOR1 = *byte++;
    }
}

void port_begin(void) { GPIOR0 = BEGIN; }

void port_end(void) { GPIOR0 = END; }

void port_stop(void) {
    const uint8_t *byte = &__heap_start;
    while ((uint16_t)byte <= RAMEND && *byte == STACK_PAINT) {
        byte++;
    }
    const uint32_t used = RAMEND + 1 - (uint16_t)byte;
    port_write(&used, sizeof used);
    GPIOR0 = STOP;
    for (;;) {
    }
}
