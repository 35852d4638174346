// A clock that divides a rank's time into stages.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>

namespace zhiyin {

/// Measures wall time by stage from the construction on. Every moment belongs to exactly one stage,
/// so that the times of the stages add up to the whole. Stage is an enum class whose last entry is
/// kCount. Used by one thread. When it is off, a call costs a branch.
///
///   StageClock<Stage> clock(on, Stage::kOther);
///   clock.Enter(Stage::kForward);  // from here on
template <typename Stage>
class StageClock {
 public:
  static constexpr size_t kStages = static_cast<size_t>(Stage::kCount);
  using Seconds = std::array<double, kStages>;

  StageClock(bool on, Stage first) : on_(on), stage_(first), since_(Clock::now()) {}

  bool on() const { return on_; }
  Stage stage() const { return stage_; }
  void Enter(Stage stage) {
    if (!on_) return;
    const Clock::time_point now = Clock::now();
    seconds_[static_cast<size_t>(stage_)] += std::chrono::duration<double>(now - since_).count();
    stage_ = stage;
    since_ = now;
  }
  /// Moves seconds from the time of one stage to that of another.
  void Move(double seconds, Stage from, Stage to) {
    seconds_[static_cast<size_t>(from)] -= seconds;
    seconds_[static_cast<size_t>(to)] += seconds;
  }
  /// The seconds of each stage up to now.
  const Seconds& seconds() {
    Enter(stage_);
    return seconds_;
  }

 private:
  using Clock = std::chrono::steady_clock;

  bool on_;
  Stage stage_;
  Clock::time_point since_;
  Seconds seconds_{};
};

/// Enters a stage, and returns to the one before at the end of the scope.
template <typename Stage>
class ScopedStage {
 public:
  ScopedStage(StageClock<Stage>* clock, Stage stage) : clock_(clock), before_(clock->stage()) {
    clock_->Enter(stage);
  }
  ~ScopedStage() { clock_->Enter(before_); }
  ScopedStage(const ScopedStage&) = delete;
  ScopedStage& operator=(const ScopedStage&) = delete;

 private:
  StageClock<Stage>* clock_;
  Stage before_;
};

}  // namespace zhiyin
