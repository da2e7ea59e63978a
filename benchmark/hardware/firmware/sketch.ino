/* @ABOUT@
 *
 * Answers to the example, says over the serial port how long it takes and how far the answer is from the expected
 * one: in floats about 1e-6 of the largest number, in integers 0. Then put your own features in its place.
 */
#include "example.h"
#include "model.h"

template <typename T>
double compare(double worst, const T *given, const T *expected, long count) {
  for (long i = 0; i < count; i++) {
    T value;
    memcpy_P(&value, expected + i, sizeof value);
    double difference = (double)given[i] - (double)value;
    if (difference < 0) {
      difference = -difference;
    }
    if (!(difference <= worst)) {
      worst = difference;
    }
  }
  return worst;
}

void setup() {
  Serial.begin(115200);
}

void loop() {
@RESET@@COPY@
  unsigned long begun = micros();
  model();
  unsigned long taken = micros() - begun;
  double worst = 0;
@COMPARE@
  Serial.print("microseconds: ");
  Serial.print(taken);
  Serial.print("  largest difference: ");
  Serial.println(worst, 8);
  delay(1000);
}
