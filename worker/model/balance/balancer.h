// The interface of methods of balancing, which combine the gradients of several tasks into one
// step.
//
// Adding a method takes its file balance/NAME.cc with a BalancerKind, its message in Balance.kind
// of job.proto, a line in balancers.h, and its examples (tests/data/kinds/balance). The conformance
// tests then cover it.
//
// Results must not depend on the number of workers. Hence random numbers and measurements within a
// step are those of one slice, which does not depend on the worker that computes it. Weights that a
// method learns are kept on the servers, behind the dense weights of the model, and are updated
// with them. Statistics of whole epochs are broadcast by the chief to all workers.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "common/config/checker.h"
#include "configs/job.pb.h"

namespace zhiyin::worker::model::balance {

/// The inputs of a method: the facts about a slice after its forward pass, with T tasks.
struct SliceFacts {
  /// [T]: weight * sum of a task's losses / examples of the slice.
  std::span<const double> objectives;
  /// [T]: mean loss, weighted, of the examples that have the task's label; NaN if there are none.
  std::span<const double> losses;
  /// [T]: weights of the examples that have the task's label / examples of the slice. Without
  /// weights, the share of the examples that have it.
  std::span<const double> labelled;
  /// [T] each: mean losses in training of the first epoch and of at most the three before this one.
  const std::vector<std::vector<double>>* epochs = nullptr;
  /// [n_own_weights()]
  std::span<const float> own_weights;
  /// [T, T]: inner products of the tasks' gradients; only if UsesGradients(). Auxiliary losses are
  /// in none of them.
  Eigen::MatrixXd gram;
  /// The seed of all random draws.
  uint64_t seed = 0;
};

/// The result of a method: factors of the gradients of SliceFacts::objectives.
struct TaskFactors {
  /// [T]: for a task's gradient with respect to parameters that no other task's loss depends on.
  std::vector<double> own;
  /// [T]: for a task's gradient with respect to all other parameters.
  std::vector<double> shared;
  /// The objective of the method's own weights, in which `own` and `shared` are constants.
  double objective = 0;
  /// [n_own_weights()]: its derivative with respect to the own weights.
  std::vector<float> down_weights;

  explicit TaskFactors(size_t n_tasks, size_t n_own_weights = 0)
      : own(n_tasks, 1.0), shared(n_tasks, 1.0), down_weights(n_own_weights) {}
};

/// A method of balancing: a pure function of SliceFacts. Immutable: used by any number of threads.
class Balancer {
 public:
  virtual ~Balancer() = default;

  /// The number of weights that the method learns; they begin at 0.
  virtual int n_own_weights() const { return 0; }
  /// Whether Balance reads SliceFacts::gram.
  virtual bool UsesGradients() const { return false; }
  /// Whether Balance reads SliceFacts::epochs.
  virtual bool UsesEpochs() const { return false; }
  /// Sets *factors. REQUIRES: *factors is as constructed.
  virtual void Balance(const SliceFacts& facts, TaskFactors* factors) const = 0;
};

/// The description of a method by which the rest of the program uses it. The file of each method
/// defines one.
struct BalancerKind {
  const char* name;  // of its field in Balance.kind of job.proto
  /// Fills in what the job leaves out. Null: there are no defaults.
  void (*fill_defaults)(zhiyin::Balance* config) = nullptr;
  /// Throws Error for an impossible configuration, whose message `path` leads to. Null: nothing to
  /// check.
  void (*check)(const config::Checker& check, const config::ConfigPath& path,
                const zhiyin::Balance& config) = nullptr;
  std::unique_ptr<Balancer> (*make)(const Job& job) = nullptr;
};

/// The tasks that a method which weighs tasks is about, ascending: those whose own weight is not 0.
std::vector<size_t> WeightedTasks(const Job& job);
/// The tasks that a method which looks at gradients is about in a slice, ascending: those that have
/// a gradient there. A task has none where no example of the slice has its label, or where its
/// weight is 0. Such a task says nothing about the step; counted as a task, its zero vector would
/// be the shortest of all means, and a norm that no weight can change.
std::vector<Eigen::Index> TasksWithGradient(const Eigen::MatrixXd& gram);

/// loss / before, which tells how slowly a loss falls; 1 where that is unknown: without labels, and
/// where either is not above 0, as the loss of counts may be.
double LossRatio(double loss, double before);

/// Makes the configured method; nullptr if the job has none, and tasks only have constant weights.
std::unique_ptr<Balancer> MakeBalancer(const Job& job);

/// Fills in what the job leaves out of its method.
void FillBalance(Job* job);
/// Checks the method, if the job has one.
void CheckBalance(const config::Checker& check, const Job& job);

}  // namespace zhiyin::worker::model::balance
