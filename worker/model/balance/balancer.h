// Methods of turning the objectives of several tasks into one step.
//
// Adding a method takes its file balance/NAME.cc with a BalancerKind, its message in Balance.kind
// of job.proto, a line in balancers.h, and its examples (tests/data/kinds/balance). The conformance
// tests then cover it.
//
// What is local and what is global: everything that is drawn or measured in a step is of one slice,
// the unit that is the same whoever computes it; what is learned (own weights) lives on the servers
// behind the model's weights, is updated with them, and so is the same for all; what is known of
// whole epochs comes from the chief to all workers.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "common/config/checker.h"
#include "configs/job.pb.h"

namespace zhiyin::worker::model::balance {

/// What is known of a slice once its losses are. T tasks.
struct SliceFacts {
  std::span<const double> objectives;  // [T]: weight * sum of a task's losses / rows of the slice
  std::span<const double>
      losses;  // [T]: mean loss of the rows that have a label; NaN where none has
  std::span<const double> labelled;  // [T]: the share of the rows that have one
  const std::vector<std::vector<double>>* epochs =
      nullptr;                         // [epochs before this one][T]: mean losses in training
  std::span<const float> own_weights;  // [n_own_weights()]
  Eigen::MatrixXd gram;  // [T, T]: products of the tasks' gradients; only if UsesGradients()
  uint64_t seed = 0;     // of all that is drawn
};

/// What becomes of it. Gradients are those of `objectives`.
struct TaskFactors {
  std::vector<double>
      own;  // [T]: of a task's gradient with respect to weights that no other task's loss reaches
  std::vector<double> shared;  // [T]: with respect to all others
  double objective =
      0;  // what the own weights are to make small; with `own` and `shared` as constants
  std::vector<float> down_weights;  // [n_own_weights()]: its derivative

  explicit TaskFactors(size_t n_tasks, size_t n_own_weights = 0)
      : own(n_tasks, 1.0), shared(n_tasks, 1.0), down_weights(n_own_weights) {}
};

/// Immutable; a pure function of the facts.
class Balancer {
 public:
  virtual ~Balancer() = default;

  /// Weights that it learns, and their first values, which are 0.
  virtual int n_own_weights() const { return 0; }
  /// Whether it looks at SliceFacts::gram, and at SliceFacts::epochs.
  virtual bool UsesGradients() const { return false; }
  virtual bool UsesEpochs() const { return false; }
  /// *factors as the constructor leaves it.
  virtual void Balance(const SliceFacts& facts, TaskFactors* factors) const = 0;
};

/// Everything that the rest of the product knows of a method. Each method's file defines one.
struct BalancerKind {
  const char* name;  // of its field in Balance.kind of job.proto
  /// Fills in what the job leaves out. Null: there are no defaults.
  void (*fill_defaults)(zhiyin::Balance* config) = nullptr;
  /// Fails for a configuration that cannot be. `path` leads to its message. Null: nothing to check.
  void (*check)(const config::Checker& check, const config::ConfigPath& path,
                const zhiyin::Balance& config) = nullptr;
  std::unique_ptr<Balancer> (*make)(const Job& job) = nullptr;
};

/// Makes the configured method; null where the weights of the tasks are all there is.
std::unique_ptr<Balancer> MakeBalancer(const Job& job);

/// Fills in what the job leaves out of its method.
void FillBalance(Job* job);
/// Checks the method, if the job has one.
void CheckBalance(const config::Checker& check, const Job& job);

}  // namespace zhiyin::worker::model::balance
