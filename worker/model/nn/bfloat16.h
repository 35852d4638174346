// Numbers of 16 bits with the exponent of a float: its upper half.
//
// A float is rounded to the nearest bfloat16, to the even one of two that are as near (Kalamkar et
// al., "A Study of BFLOAT16 for Deep Learning Training", 2019, section 3). NaN stays NaN; what is
// beyond the largest bfloat16, 3.39e38, becomes infinite, as IEEE 754 rounds.
#pragma once

#include <bit>
#include <cstdint>
#include <span>

namespace zhiyin::worker::model::nn {

using Bfloat16 = uint16_t;

inline Bfloat16 ToBfloat16(float x) {
  constexpr uint32_t kInfinity = 0x7f800000;
  const uint32_t bits = std::bit_cast<uint32_t>(x);
  // Below half of the last bit that stays, or exactly half of it where that bit is odd.
  const uint32_t rounded = bits + 0x7fff + ((bits >> 16) & 1);
  // The upper half of a NaN may be that of infinity: its highest bit of payload is set.
  const uint32_t quiet = bits | 0x400000;
  return static_cast<Bfloat16>(((bits & 0x7fffffff) > kInfinity ? quiet : rounded) >> 16);
}

inline float FromBfloat16(Bfloat16 x) {
  return std::bit_cast<float>(uint32_t{x} << 16);
}

/// Rounds from[i] to to[i]. REQUIRES: as many of both.
void RoundTo(std::span<const float> from, std::span<Bfloat16> to);
/// Rounds from[i] to a bfloat16, kept in a float.
void RoundTo(std::span<const float> from, std::span<float> to);

}  // namespace zhiyin::worker::model::nn
