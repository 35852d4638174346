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

void CheckSchedule(const config::Checker& check, const config::ConfigPath& path,
                   const Schedule& schedule) {
  constexpr int64_t kMaxSteps = int64_t{1} << 50;
  check.CheckRange(path("warmup_steps"), schedule.warmup_steps(), int64_t{0}, kMaxSteps);
  if (!schedule.has_cosine()) return;
  check.CheckRange(path("cosine")("steps"), schedule.cosine().steps(), schedule.warmup_steps() + 1,
                   kMaxSteps);
  check.CheckRange(path("cosine")("final"), schedule.cosine().final(), 0.0, 1.0);
}

}  // namespace zhiyin::ps::table
