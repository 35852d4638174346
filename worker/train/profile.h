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

/// One sample's way, then what goes on around it.
enum class Stage {
  kRows,      // waiting for the reader's thread to have a slice's rows
  kKeys,      // rows to distinct keys of each table, and labels
  kPull,      // sending keys
  kPullWait,  // for the servers' replies
  kUnpack,    // replies to rows
  kPool,      // rows to the model's input
  kForward,
  kLoss,     // predictions, losses and their derivatives
  kMetrics,  // the running AUC
  kBackward,
  kScatter,    // gradient of the input to gradients of rows
  kPush,       // sending gradients
  kPushWait,   // for earlier pushes to be acknowledged, where too many are under way or the epoch
               // ends
  kDeal,       // asking what to compute next, and waiting for the answer
  kFirstPass,  // over the data, before training
  kEvaluation,
  kSync,  // waiting for other workers at the ends of epochs, and adding up their sums
  kSave,
  kOther,
  kCount
};

/// By stage, as they are printed and in summary.json.
inline constexpr std::array<std::string_view, StageClock<Stage>::kStages> kStageNames = {
    "rows",       "keys",       "pull",     "pull_wait", "unpack", "pool",      "forward",
    "loss",       "metrics",    "backward", "scatter",   "push",   "push_wait", "deal",
    "first_pass", "evaluation", "sync",     "save",      "other"};

/// The time of one worker, from the construction on. What the client waits while rows are unpacked
/// or gradients are sent is a stage of its own. Used by the rank's thread; borrows the client. Off,
/// a call costs a branch.
class Profile {
 public:
  Profile(bool on, const ps::client::Client* client) : clock_(on, Stage::kOther), client_(client) {}

  void Enter(Stage stage) {
    if (clock_.on()) Switch(stage);
  }
  /// Seconds by stage up to now; nothing when it is off.
  std::vector<double> Seconds();

 private:
  void Switch(Stage stage);

  StageClock<Stage> clock_;
  const ps::client::Client* client_;
  double waited_s_ = 0;  // by the client, before the stage at hand
};

/// Seconds by stage on their way to the chief.
std::string SerializeSeconds(std::span<const double> seconds);
/// Throws Error on bytes that SerializeSeconds did not write for a worker with --profile.
std::vector<double> ParseSeconds(std::string_view bytes);

/// A row for each stage that took time: its name, seconds and share in per cent; the shares as
/// printed add up to 100.0. `who` is whose time it is: "2 workers".
std::string ProfileTable(const std::string& who, std::span<const std::string_view> names,
                         std::span<const double> seconds);
/// By stage, in per cent; they add up to 100.
std::vector<double> Shares(std::span<const double> seconds);

}  // namespace zhiyin::worker::train
