#include "common/number.h"

#include <Eigen/Core>
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "common/copy_row.h"

namespace zhiyin {
namespace {

template <typename T>
using ConstMap = Eigen::Map<const Eigen::Array<T, Eigen::Dynamic, 1>>;
template <typename T>
using Map = Eigen::Map<Eigen::Array<T, Eigen::Dynamic, 1>>;

template <typename T>
void Widen(const void* from, size_t n, float* to) {
  const auto length = static_cast<Eigen::Index>(n);
  Map<float>(to, length) = ConstMap<T>(static_cast<const T*>(from), length).template cast<float>();
}

template <typename T>
void Narrow(const float* from, size_t n, void* to) {
  const auto length = static_cast<Eigen::Index>(n);
  Map<T>(static_cast<T*>(to), length) = ConstMap<float>(from, length).template cast<T>();
}

/// Between 0 and 1, below 1, in steps of 2^-kBits: different for every position.
template <int kBits>
float Fraction(uint32_t seed, size_t position) {
  uint32_t bits = seed + static_cast<uint32_t>(position) * 0x9e3779b9u;
  bits = (bits ^ (bits >> 16)) * 0x85ebca6bu;
  bits = (bits ^ (bits >> 13)) * 0xc2b2ae35u;
  return static_cast<float>(bits >> (32 - kBits)) / static_cast<float>(1 << kBits);
}

/// x rounded to a multiple of the unit in the last place of a type with this many bits behind the
/// point: down, or up with the probability of the part cut off. kMinExponent is that of the
/// smallest normal number.
template <int kMantissaBits, int kMinExponent>
float RoundOne(float x, float fraction) {
  constexpr uint32_t kSmallest = static_cast<uint32_t>(kMinExponent + 127) << 23;
  const uint32_t exponent = std::max(std::bit_cast<uint32_t>(x) & 0x7f800000u, kSmallest);
  constexpr uint32_t kMantissa = uint32_t{kMantissaBits} << 23;
  const float unit = std::bit_cast<float>(exponent - kMantissa);
  const float inverse = std::bit_cast<float>((254u << 23) + kMantissa - exponent);
  return std::floor(x * inverse + fraction) * unit;
}

// Fractions have as many bits as a float has room for behind the whole number: more would round up
// what fits.
constexpr size_t kBlock = 64;
constexpr float kLargestHalf = 65504;

}  // namespace

void ToFloats(NumberType type, const void* from, size_t n, float* to) {
  if (type == FP16) {
    Widen<Eigen::half>(from, n, to);
  } else if (type == BF16) {
    Widen<Eigen::bfloat16>(from, n, to);
  } else {
    CopyRow(from, n * sizeof(float), to);
  }
}

void FromFloats(NumberType type, const float* from, size_t n, void* to) {
  if (type == FP16) {
    Narrow<Eigen::half>(from, n, to);
  } else if (type == BF16) {
    Narrow<Eigen::bfloat16>(from, n, to);
  } else {
    CopyRow(from, n * sizeof(float), to);
  }
}

void RoundStochastically(NumberType type, const float* from, size_t n, uint64_t seed, void* to) {
  const uint32_t mixed = static_cast<uint32_t>(seed ^ (seed >> 32));
  float rounded[kBlock];
  for (size_t begin = 0; begin < n; begin += kBlock) {
    const size_t m = std::min(kBlock, n - begin);
    if (type == FP16) {
      for (size_t i = 0; i < m; ++i) {
        const float x = std::clamp(from[begin + i], -kLargestHalf, kLargestHalf);
        rounded[i] = std::clamp(RoundOne<10, -14>(x, Fraction<13>(mixed, begin + i)), -kLargestHalf,
                                kLargestHalf);
      }
      Narrow<Eigen::half>(rounded, m, static_cast<uint16_t*>(to) + begin);
    } else if (type == BF16) {
      // The smallest normal bfloat16 would have a unit that is no normal float; below 2^-110
      // nothing matters.
      for (size_t i = 0; i < m; ++i)
        rounded[i] = RoundOne<7, -110>(from[begin + i], Fraction<16>(mixed, begin + i));
      Narrow<Eigen::bfloat16>(rounded, m, static_cast<uint16_t*>(to) + begin);
    } else {
      std::memcpy(static_cast<float*>(to) + begin, from + begin, m * sizeof(float));
    }
  }
}

}  // namespace zhiyin
