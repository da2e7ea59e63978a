/* Runs an AVR program in simavr, feeds it, and counts its cycles.
 *
 *     avr_runner MCU ELF INPUT OUTPUT
 *
 * Reading GPIOR2 takes a byte of the input, writing GPIOR1 gives one of the output. GPIOR0 takes marks: at END the
 * cycles since BEGIN go to the output as eight bytes, at STOP it ends. Exit codes: 0 stopped by itself, 2 wrong use,
 * 3 crashed, 4 the input ended. A program that hangs is for the caller to stop.
 */
#include <simavr/sim_avr.h>
#include <simavr/sim_elf.h>
#include <simavr/sim_io.h>
#include <stdio.h>
#include <string.h>

enum { GPIOR0 = 0x3E, GPIOR1 = 0x4A, GPIOR2 = 0x4B };
enum { BEGIN = 1, END = 2, STOP = 3 };
enum { OK = 0, USAGE = 2, CRASHED = 3, INPUT_ENDED = 4 };

static FILE *input, *output;
static uint64_t begun;
static int stopped, input_ended;

static void mark(avr_t *avr, avr_io_addr_t address, uint8_t value, void *unused) {
    (void)address;
    (void)unused;
    if (value == BEGIN) {
        begun = avr->cycle;
    } else if (value == END) {
        const uint64_t taken = avr->cycle - begun;
        fwrite(&taken, sizeof taken, 1, output);
    } else if (value == STOP) {
        stopped = 1;
    }
}

static void write_byte(avr_t *avr, avr_io_addr_t address, uint8_t value, void *unused) {
    (void)avr;
    (void)address;
    (void)unused;
    putc(value, output);
}

static uint8_t read_byte(avr_t *avr, avr_io_addr_t address, void *unused) {
    (void)avr;
    (void)address;
    (void)unused;
    const int byte = getc(input);
    if (byte == EOF) {
        input_ended = 1;
        return 0;
    }
    return (uint8_t)byte;
}

int main(int count, char **arguments) {
    if (count != 5) {
        return USAGE;
    }
    avr_t *avr = avr_make_mcu_by_name(arguments[1]);
    elf_firmware_t program;
    memset(&program, 0, sizeof program);
    input = fopen(arguments[3], "rb");
    output = fopen(arguments[4], "wb");
    if (!avr || !input || !output || elf_read_firmware(arguments[2], &program)) {
        return USAGE;
    }
    program.frequency = 16000000;
    avr_init(avr);
    avr->log = 0;
    avr_load_firmware(avr, &program);
    avr_register_io_write(avr, GPIOR0, mark, NULL);
    avr_register_io_write(avr, GPIOR1, write_byte, NULL);
    avr_register_io_read(avr, GPIOR2, read_byte, NULL);
    while (!stopped && !input_ended) {
        const int state = avr_run(avr);
        if (state == cpu_Done || state == cpu_Crashed) {
            return CRASHED;
        }
    }
    if (!stopped) {
        return INPUT_ENDED;
    }
    return fclose(output) ? USAGE : OK;
}
