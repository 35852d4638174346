#include "common/exact_sum.h"

#include <bit>
#include <cmath>

#include "common/error.h"

namespace zhiyin {
namespace {

constexpr int kDigitBits = 32;
constexpr int64_t kDigitMask = 0xffffffff;
constexpr int kFractionBits = 52;

}  // namespace

void ExactSum::Add(double x) {
  const uint64_t bits = std::bit_cast<uint64_t>(x);
  const int exponent = static_cast<int>((bits >> kFractionBits) & 0x7ff);
  uint64_t mantissa = bits & ((uint64_t{1} << kFractionBits) - 1);
  // A denormal number has the exponent of the smallest normal ones, without their leading 1.
  if (exponent > 0) mantissa |= uint64_t{1} << kFractionBits;
  const int place = exponent > 0 ? exponent : 1;
  if (n_pending_ == kMaxPending) Carry();
  ++n_pending_;
  const unsigned __int128 shifted = static_cast<unsigned __int128>(mantissa)
                                    << (place % kDigitBits);
  const int64_t sign = std::signbit(x) ? -1 : 1;
  int64_t* const digit = &digits_[static_cast<size_t>(place / kDigitBits)];
  for (int i = 0; i < 3; ++i)
    digit[i] += sign * (static_cast<int64_t>(shifted >> (i * kDigitBits)) & kDigitMask);
}

void ExactSum::Add(const ExactSum& other) {
  ExactSum carried = other;
  carried.Carry();
  if (n_pending_ == kMaxPending) Carry();
  ++n_pending_;
  for (size_t i = 0; i < kDigits; ++i) digits_[i] += carried.digits_[i];
}

void ExactSum::Carry() {
  for (size_t i = 0; i + 1 < kDigits; ++i) {
    digits_[i + 1] += digits_[i] >> kDigitBits;  // rounds down, also below 0
    digits_[i] &= kDigitMask;
  }
  n_pending_ = 0;
}

ExactSum ExactSum::Magnitude(bool* is_negative) const {
  ExactSum magnitude = *this;
  magnitude.Carry();
  *is_negative = magnitude.digits_[kDigits - 1] < 0;
  if (!*is_negative) return magnitude;
  for (int64_t& digit : magnitude.digits_) digit = -digit;
  magnitude.Carry();
  return magnitude;
}

double ExactSum::Value() const {
  bool is_negative = false;
  const ExactSum magnitude = Magnitude(&is_negative);
  size_t top = kDigits;
  while (top > 0 && magnitude.digits_[top - 1] == 0) --top;
  if (top == 0) return 0;
  // Three digits have at least 65 significant bits. The bits below them matter only in that there
  // are some, which the lowest bit says; then the conversion rounds once, and correctly.
  const size_t low = top > 3 ? top - 3 : 0;
  unsigned __int128 bits = 0;
  for (size_t i = top; i > low; --i)
    bits = (bits << kDigitBits) | static_cast<uint64_t>(magnitude.digits_[i - 1]);
  for (size_t i = 0; i < low; ++i) {
    if (magnitude.digits_[i] != 0) bits |= 1;
  }
  const double value =
      std::ldexp(static_cast<double>(bits), static_cast<int>(low) * kDigitBits + kLowestExponent);
  return is_negative ? -value : value;
}

void ExactSum::Write(ByteWriter* out) const {
  bool is_negative = false;
  const ExactSum magnitude = Magnitude(&is_negative);
  size_t begin = 0;
  size_t end = kDigits;
  while (end > 0 && magnitude.digits_[end - 1] == 0) --end;
  while (begin < end && magnitude.digits_[begin] == 0) ++begin;
  out->PutVarint(2 * begin + (is_negative ? 1 : 0));
  out->PutVarint(end - begin);
  for (size_t i = begin; i < end; ++i) out->Put(static_cast<uint32_t>(magnitude.digits_[i]));
}

ExactSum ExactSum::Read(ByteReader* in) {
  const size_t head = static_cast<size_t>(in->GetVarint(2 * kDigits + 1));
  const size_t begin = head / 2;
  const size_t n = static_cast<size_t>(in->GetVarint(kDigits - begin));
  ExactSum sum;
  for (size_t i = 0; i < n; ++i) {
    const int64_t digit = in->Get<uint32_t>();
    sum.digits_[begin + i] = head % 2 == 1 ? -digit : digit;
  }
  if (!std::isfinite(sum.Value())) in->Refuse("a sum that is not finite");
  return sum;
}

}  // namespace zhiyin
