#include "worker/data/format/arrow_numbers.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

namespace zhiyin::worker::data {
namespace {

/// Powers that a double holds exactly.
constexpr int kMaxPowerOfTen = 22;
constexpr std::array<double, kMaxPowerOfTen + 1> kPowersOfTen = [] {
  std::array<double, kMaxPowerOfTen + 1> powers{};
  double power = 1;
  for (double& p : powers) {
    p = power;
    power *= 10;
  }
  return powers;
}();

/// Whole numbers that a double holds, all of them, end here.
constexpr int64_t kExactDouble = int64_t{1} << 53;
constexpr double kTwoTo63 = 0x1p63;

double ParsedDouble(const char* begin, const char* end) {
  double number = std::numeric_limits<double>::quiet_NaN();
  std::from_chars(begin, end, number);
  return number;
}

double ShortestByText(float x) {
  char text[kMaxNumberBytes];
  return ParsedDouble(text, WriteFloat(x, text));
}

template <typename Float>
char* WriteShortest(Float x, char* to) {
  if (std::isnan(x)) return std::copy_n("nan", 3, to);
  char* const end = to + kMaxNumberBytes;
  if (std::abs(x) < static_cast<Float>(kTwoTo63) && x == std::trunc(x))
    return std::to_chars(to, end, static_cast<int64_t>(x)).ptr;
  return std::to_chars(to, end, x).ptr;
}

/// The absolute value of a little-endian integer in two's complement, in words of 64 bits, the
/// lowest first.
struct Magnitude {
  std::array<uint64_t, 4> words{};
  bool is_negative = false;
};

Magnitude MagnitudeOf(const std::byte* value, int bytes) {
  Magnitude m;
  m.is_negative = (value[bytes - 1] & std::byte{0x80}) != std::byte{0};
  if (m.is_negative) m.words.fill(~uint64_t{0});
  std::memcpy(m.words.data(), value, static_cast<size_t>(bytes));
  if (m.is_negative) {
    uint64_t carry = 1;
    for (uint64_t& word : m.words) {
      word = ~word + carry;
      carry = carry != 0 && word == 0 ? 1 : 0;
    }
  }
  return m;
}

/// Writes the digits of a magnitude, which has at most 78.
char* WriteDigits(Magnitude m, char* to) {
  constexpr uint64_t kChunk = 1'000'000'000'000'000'000;
  constexpr int kChunkDigits = 18;
  std::array<uint64_t, 5> chunks{};
  size_t n = 0;
  do {
    uint64_t rest = 0;
    for (size_t w = m.words.size(); w-- > 0;) {
      const unsigned __int128 part = (static_cast<unsigned __int128>(rest) << 64) | m.words[w];
      m.words[w] = static_cast<uint64_t>(part / kChunk);
      rest = static_cast<uint64_t>(part % kChunk);
    }
    chunks[n++] = rest;
  } while ((m.words[0] | m.words[1] | m.words[2] | m.words[3]) != 0);
  to = std::to_chars(to, to + kChunkDigits + 1, chunks[n - 1]).ptr;
  for (size_t i = n - 1; i-- > 0;) {
    for (int d = kChunkDigits; d-- > 0; chunks[i] /= 10)
      to[d] = static_cast<char>('0' + chunks[i] % 10);
    to += kChunkDigits;
  }
  return to;
}

/// Puts a point before the last `scale` of the digits [begin, end), with zeros where there are too
/// few. Returns the new end.
char* PutPoint(char* begin, char* end, int scale) {
  const auto n = static_cast<int>(end - begin);
  const int n_zeros = std::max(0, scale + 1 - n);
  std::memmove(begin + n_zeros, begin, static_cast<size_t>(n));
  std::fill_n(begin, n_zeros, '0');
  end += n_zeros;
  std::memmove(end - scale + 1, end - scale, static_cast<size_t>(scale));
  end[-scale] = '.';
  return end + 1;
}

}  // namespace

double ShortestDouble(float x) {
  const double exact = x;
  const double size = std::abs(exact);
  // Below, the powers of ten are exact and products have an error that is far below a float's
  // half unit in the last place.
  constexpr double kLeast = 0x1p-20;
  constexpr double kTooLarge = 0x1p24;  // from here on all floats are whole
  if (!(size >= kLeast && size < kTooLarge)) {
    const bool is_whole = size == 0 || (size >= kTooLarge && size < kTwoTo63);
    return is_whole || !std::isfinite(exact) ? exact : ShortestByText(x);
  }
  if (exact == std::trunc(exact)) return exact;
  // Half a unit in the last place; at a power of two the neighbour below is half as far, which the
  // conversion back to a float notices.
  const double half_unit =
      std::bit_cast<double>((std::bit_cast<uint64_t>(size) & (0x7ffull << 52)) - (24ull << 52));
  // A binary search for the least number of digits behind the point with which a decimal is within
  // half a unit: where there is one with some digits, there is one with more.
  constexpr double kMargin = 0x1p-20;  // relative
  int digits = 0;
  for (int step = 8; step > 0; step /= 2) {
    const double power = kPowersOfTen[static_cast<size_t>(digits + step - 1)];
    const double scaled = size * power;
    const bool is_near =
        std::abs(scaled - std::nearbyint(scaled)) <= half_unit * power * (1 + kMargin);
    digits += is_near ? 0 : step;
  }
  const double power = kPowersOfTen[static_cast<size_t>(digits)];
  const double scaled = size * power;
  const double whole = std::nearbyint(scaled);
  const double distance = std::abs(scaled - whole);
  const double shortest = whole / power;
  // What the errors of the products could have decided, text decides.
  if (!(distance < half_unit * power * (1 - kMargin)) || distance > 0.5 - kMargin ||
      static_cast<float>(shortest) != static_cast<float>(size))
    return ShortestByText(x);
  return std::copysign(shortest, exact);
}

double ShortestDoubleOfHalf(uint16_t bits) {
  const int exponent = (bits >> 10) & 31;
  const int mantissa = bits & 1023;
  const double sign = (bits & 0x8000) != 0 ? -1 : 1;
  if (exponent == 31) {
    return mantissa != 0 ? std::numeric_limits<double>::quiet_NaN()
                         : sign * std::numeric_limits<double>::infinity();
  }
  // The number is unit * significand.
  const double unit = std::ldexp(1.0, std::max(exponent, 1) - 25);
  const int significand = exponent == 0 ? mantissa : mantissa + 1024;
  const double size = unit * significand;
  if (size == std::trunc(size)) return sign * size;
  // What reads back as it: the neighbour below a power of two is half as far. Products with powers
  // of ten are exact, since all have 13 bits at most.
  const bool is_power = mantissa == 0 && exponent > 1;
  const double low = size - unit * (is_power ? 0.25 : 0.5);
  const double high = size + unit * 0.5;
  const bool has_ends = significand % 2 == 0;  // ties to even
  for (int digits = 1; digits < 17; ++digits) {
    const double power = kPowersOfTen[static_cast<size_t>(digits)];
    const double whole = std::nearbyint(size * power);
    if (has_ends ? whole >= low * power && whole <= high * power
                 : whole > low * power && whole < high * power)
      return sign * (whole / power);
  }
  return sign * size;
}

char* WriteFloat(float x, char* to) {
  return WriteShortest(x, to);
}
char* WriteFloat(double x, char* to) {
  return WriteShortest(x, to);
}

char* WriteFraction(int64_t value, int digits, char* to) {
  if (digits == 0) return std::to_chars(to, to + kMaxNumberBytes, value).ptr;
  uint64_t power = 1;
  for (int d = 0; d < digits; ++d) power *= 10;
  const uint64_t size =
      value < 0 ? ~static_cast<uint64_t>(value) + 1 : static_cast<uint64_t>(value);
  if (value < 0) *to++ = '-';
  to = std::to_chars(to, to + kMaxNumberBytes / 2, size / power).ptr;
  uint64_t fraction = size % power;
  if (fraction == 0) return to;
  *to++ = '.';
  int n = digits;
  for (; fraction % 10 == 0; fraction /= 10) --n;
  for (int d = n; d-- > 0; fraction /= 10) to[d] = static_cast<char>('0' + fraction % 10);
  return to + n;
}

double FractionOf(int64_t value, int digits) {
  // The quotient of two numbers that doubles hold is rounded once.
  if (value > -kExactDouble && value < kExactDouble)
    return static_cast<double>(value) / kPowersOfTen[static_cast<size_t>(digits)];
  char text[kMaxNumberBytes];
  return ParsedDouble(text, WriteFraction(value, digits, text));
}

char* WriteDecimal(const std::byte* value, int bytes, int scale, char* to) {
  const Magnitude m = MagnitudeOf(value, bytes);
  if (m.is_negative) *to++ = '-';
  char* const begin = to;
  to = WriteDigits(m, to);
  if (scale > 0) return PutPoint(begin, to, scale);
  if (scale < 0 && *begin != '0') to = std::fill_n(to, -scale, '0');
  return to;
}

double DecimalOf(const std::byte* value, int bytes, int scale) {
  const Magnitude m = MagnitudeOf(value, bytes);
  const bool is_small = (m.words[1] | m.words[2] | m.words[3]) == 0 &&
                        m.words[0] < static_cast<uint64_t>(kExactDouble);
  if (is_small && scale >= 0 && scale <= kMaxPowerOfTen) {
    const double size = static_cast<double>(m.words[0]) / kPowersOfTen[static_cast<size_t>(scale)];
    return m.is_negative ? -size : size;
  }
  char text[kMaxNumberBytes];
  return ParsedDouble(text, WriteDecimal(value, bytes, scale, text));
}

char* WriteUuid(const std::byte* value, char* to) {
  constexpr const char* kDigits = "0123456789abcdef";
  for (int i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) *to++ = '-';
    const auto byte = std::to_integer<size_t>(value[i]);
    *to++ = kDigits[byte / 16];
    *to++ = kDigits[byte % 16];
  }
  return to;
}

}  // namespace zhiyin::worker::data
