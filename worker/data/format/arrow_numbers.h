// The numbers of Arrow columns as a CSV of the same table would have them: as text, and as the
// double that this text means.
#pragma once

#include <cstddef>
#include <cstdint>

namespace zhiyin::worker::data {

/// The bytes that any function below may write.
inline constexpr size_t kMaxNumberBytes = 256;

/// The double nearest to the shortest decimal that reads back as `x`, a float: 0.1 for 0.1f. A
/// whole number below 2^63 is itself.
double ShortestDouble(float x);
/// Likewise for the bits of a number of half precision (IEEE 754 binary16).
double ShortestDoubleOfHalf(uint16_t bits);

/// Write the shortest decimal that reads back as `x`; a whole number below 2^63 without exponent;
/// "nan", "inf" or "-inf". They return the end of the text.
char* WriteFloat(float x, char* to);
char* WriteFloat(double x, char* to);

/// Writes value / 10^digits, without zeros at the end of its fraction.
/// REQUIRES: 0 <= digits <= 18.
char* WriteFraction(int64_t value, int digits, char* to);
/// The double nearest to value / 10^digits.
double FractionOf(int64_t value, int digits);

/// Writes a decimal: a little-endian integer of 4, 8, 16 or 32 bytes, divided by 10^scale. Has all
/// `scale` digits behind the point, zeros included. REQUIRES: -128 <= scale <= 127.
char* WriteDecimal(const std::byte* value, int bytes, int scale, char* to);
/// The double nearest to it.
double DecimalOf(const std::byte* value, int bytes, int scale);

/// Writes the 16 bytes of a UUID as RFC 9562 does: "f81d4fae-7dec-11d0-a765-00a0c91e6bf6".
char* WriteUuid(const std::byte* value, char* to);

}  // namespace zhiyin::worker::data
