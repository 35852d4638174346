// The stages of a server's time, for --profile.
#pragma once

#include <array>
#include <string_view>

#include "common/stage_clock.h"

namespace zhiyin::ps {

/// At any moment a server is in one stage.
enum class ServerStage {
  kWait,    // for requests
  kCheck,   // of requests: keys are distinct and belong here, gradients are finite
  kLookUp,  // keys to rows, made where absent
  kRead,    // weights into replies
  kSum,     // gradients of a synchronous step, over its slices
  kUpdate,  // optimizer steps
  kTidy,    // admission and eviction at the end of steps
  kSend,
  kOther,  // leases, first weights, saving, reports
  kCount
};

/// The name of each stage in printed reports and summary.json.
inline constexpr std::array<std::string_view, StageClock<ServerStage>::kStages> kServerStageNames =
    {"wait", "check", "look_up", "read", "sum", "update", "tidy", "send", "other"};

}  // namespace zhiyin::ps
