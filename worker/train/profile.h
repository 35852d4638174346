// What workers do with their time (--profile).
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/stage_clock.h"
#include "ps/client/client.h"

namespace zhiyin::worker::train {

/// The stages of a slice in order, then those outside of slices.
enum class Stage {
  kRows,      // waiting for the reader's thread to finish the examples of a slice
  kKeys,      // finding the distinct keys of each table; taking the labels
  kPull,      // sending keys
  kPullWait,  // waiting for the servers' replies
  kUnpack,    // copying weights out of the replies
  kPool,      // embedding rows to the model's input
  kForward,
  kLoss,     // predictions, losses and their derivatives
  kMetrics,  // the running AUC
  kBackward,
  kScatter,    // gradient of the input to gradients of rows
  kPush,       // sending gradients
  kPushWait,   // waiting for acknowledgements of pushes: too many are under way, or the epoch ends
  kDeal,       // asking the lease manager for work, and waiting for the answer
  kFirstPass,  // over the data, before training
  kEvaluation,
  kSync,  // waiting for other workers at the ends of epochs, and adding up their sums
  kSave,
  kOther,
  kCount
};

/// The name of each stage in printed reports and summary.json.
inline constexpr std::array<std::string_view, StageClock<Stage>::kStages> kStageNames = {
    "rows",       "keys",       "pull",     "pull_wait", "unpack", "pool",      "forward",
    "loss",       "metrics",    "backward", "scatter",   "push",   "push_wait", "deal",
    "first_pass", "evaluation", "sync",     "save",      "other"};

/// Measures the time of one worker by stage, from the construction on. The client's waits in
/// kUnpack and kPush are counted as kPullWait and kPushWait. Used by the rank's thread; borrows the
/// client. When it is off, a call costs a branch.
class Profile {
 public:
  Profile(bool on, const ps::client::Client* client) : clock_(on, Stage::kOther), client_(client) {}

  void Enter(Stage stage) {
    if (clock_.on()) Switch(stage);
  }
  /// The seconds of each stage up to now; empty when it is off.
  std::vector<double> Seconds();

 private:
  void Switch(Stage stage);

  StageClock<Stage> clock_;
  const ps::client::Client* client_;
  double waited_s_ = 0;  // the client's waits before the current stage
};

/// The seconds of each stage as bytes, which a worker sends to the chief.
std::string SerializeSeconds(std::span<const double> seconds);
/// The inverse. Throws Error on bytes that SerializeSeconds did not write with --profile.
std::vector<double> ParseSeconds(std::string_view bytes);

/// A table with a line for each stage that took time: its name, seconds and share in per cent; the
/// printed shares add up to 100.0. `who` names the ranks whose time it is: "2 workers".
std::string ProfileTable(const std::string& who, std::span<const std::string_view> names,
                         std::span<const double> seconds);
/// The share of each stage in per cent; the shares add up to 100.
std::vector<double> Shares(std::span<const double> seconds);

}  // namespace zhiyin::worker::train
