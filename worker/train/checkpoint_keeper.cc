#include "worker/train/checkpoint_keeper.h"

#include <cstdio>
#include <utility>
#include <vector>

#include "common/error.h"
#include "common/file.h"

namespace zhiyin::worker::train {
namespace {

/// Checkpoints kept by a job without train.checkpoint, which writes them only when asked to end.
constexpr int kKeptCheckpoints = 2;

}  // namespace

CheckpointKeeper::CheckpointKeeper(const Job& job, std::string output, ps::client::Client* client,
                                   std::function<void(const std::string&)> say)
    : output_(std::move(output)),
      max_failures_(static_cast<int>(job.train().checkpoint().max_failures())),
      writer_(output_,
              job.train().has_checkpoint() ? job.train().checkpoint().keep() : kKeptCheckpoints,
              job.train().has_checkpoint() ? job.train().checkpoint().full_every() : 1, client,
              say),
      say_(std::move(say)) {}

void CheckpointKeeper::Start(Manifest manifest, std::string state, bool is_last) {
  Finish(/*wait=*/true);
  const int64_t step = manifest.step();
  began_ = Clock::now();
  try {
    writer_.Start(std::move(manifest), std::move(state));
  } catch (const FileError& e) {
    HandleFailure(step, e.what(), is_last);
  }
  if (is_last) Finish(/*wait=*/true, is_last);
}

void CheckpointKeeper::Finish(bool wait, bool is_last) {
  if (!writer_.step()) return;
  const int64_t step = *writer_.step();
  try {
    if (!writer_.Finish(wait)) return;
    n_failures_ = 0;
    char text[100];
    std::snprintf(text, sizeof(text), "checkpoint at step %lld, written in %.2f s%s",
                  static_cast<long long>(step),
                  std::chrono::duration<double>(Clock::now() - began_).count(),
                  is_last ? ": the job ends here, as it was asked to" : "");
    say_(text);
  } catch (const FileError& e) {
    HandleFailure(step, e.what(), is_last);
  }
}

void CheckpointKeeper::HandleFailure(int64_t step, const std::string& why, bool is_last) {
  if (is_last || ++n_failures_ > max_failures_)
    Fail("checkpoint at step ", step, ": ", why, ": the job ends, ", NewestLeft());
  say_("WARNING: no checkpoint at step " + std::to_string(step) + ": " + why +
       ": the job goes on, " + NewestLeft());
}

std::string CheckpointKeeper::NewestLeft() const {
  const std::vector<std::string> left = saved::FindCheckpoints(output_);
  return left.empty() ? "there is none before it" : "the newest is " + left[0];
}

}  // namespace zhiyin::worker::train
