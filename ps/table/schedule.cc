#include "ps/table/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace zhiyin::ps::table {
namespace {

double Decay(const Schedule& schedule, double step) {
  const double warmup = static_cast<double>(schedule.warmup_steps());
  switch (schedule.decay_case()) {
    case Schedule::DECAY_NOT_SET:
      return 1;
    case Schedule::kCosine: {
      const double length = static_cast<double>(schedule.cosine().steps()) - warmup;
      const double share = std::clamp((step - warmup) / length, 0.0, 1.0);
      const double final_factor = schedule.cosine().final();
      return final_factor + (1 - final_factor) * 0.5 * (1 + std::cos(std::numbers::pi * share));
    }
    case Schedule::kInverseSquareRoot: {
      const double start = std::max(warmup, 1.0);
      return std::sqrt(start / std::max(step, start));
    }
  }
  return 1;
}

}  // namespace

float RateFactor(const Schedule& schedule, uint64_t step) {
  const double at = static_cast<double>(step);
  const double warmup = static_cast<double>(schedule.warmup_steps());
  const double rise = at + 1 < warmup ? (at + 1) / warmup : 1.0;
  return static_cast<float>(rise * Decay(schedule, at));
}

}  // namespace zhiyin::ps::table
