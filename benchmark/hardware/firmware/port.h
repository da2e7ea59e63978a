/* What a board must bring so that firmware/main.c runs on it. */
#ifndef PORT_H
#define PORT_H
#include <stdint.h>

void port_start(void);
void port_read(void *into, uint32_t bytes);
void port_write(const void *from, uint32_t bytes);
/* Around every inference: what is between them is counted. */
void port_begin(void);
void port_end(void);
void port_stop(void);

#endif
