// What a server does with its time (--profile).
#pragma once

#include <array>
#include <string_view>

#include "common/stage_clock.h"

namespace zhiyin::ps {

enum class ServerStage {
  kWait,    // for requests
  kCheck,   // requests: keys distinct and at home here, gradients finite
  kLookUp,  // keys to rows, made where absent
  kRead,    // weights into replies
  kSum,     // gradients of a synchronous step, over its slices
  kUpdate,  // optimizer steps
  kTidy,    // admission and eviction at the end of steps
  kSend,
  kOther,  // leases, first weights, saving, reports
  kCount
};

/// By stage, as they are printed and in summary.json.
inline constexpr std::array<std::string_view, StageClock<ServerStage>::kStages> kServerStageNames =
    {"wait", "check", "look_up", "read", "sum", "update", "tidy", "send", "other"};

}  // namespace zhiyin::ps
