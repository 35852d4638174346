#include "worker/model/balance/task_balance.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace zhiyin::worker::model::balance {
namespace {

/// The weights of the method begin with a row of their own, so that what an optimizer does by rows
/// concerns them alone.
int64_t OwnWeightsBegin(const Model& model) {
  return (model.n_weights() + kDenseRowDim - 1) / kDenseRowDim * kDenseRowDim;
}

/// The first epoch and the last three.
constexpr size_t kKeptEpochs = 4;

}  // namespace

void BalanceSums::AddFactors(const TaskFactors& factors) {
  numbers_[kSlices] += 1;
  for (size_t t = 0; t < n_tasks_; ++t) numbers_[Factor(t)] += factors.shared[t];
}

void BalanceSums::AddGram(const Eigen::MatrixXd& gram, const TaskFactors& factors) {
  numbers_[kLooked] += 1;
  const Eigen::VectorXd norms = gram.diagonal().cwiseSqrt();
  const Eigen::VectorXd gains =
      gram * Eigen::Map<const Eigen::VectorXd>(factors.shared.data(), gram.cols());
  for (size_t i = 0; i < n_tasks_; ++i) {
    const auto a = static_cast<Eigen::Index>(i);
    numbers_[Norm(i)] += norms[a];
    // A product that is 0 up to rounding is not a conflict.
    numbers_[Conflict(i)] += gains[a] < -1e-9 * norms[a] * norms.maxCoeff();
    for (size_t j = 0; j < i; ++j) {
      const auto b = static_cast<Eigen::Index>(j);
      if (norms[a] == 0 || norms[b] == 0) continue;
      numbers_[Cosine(i, j)] += gram(a, b) / (norms[a] * norms[b]);
      numbers_[Cosine(i, j) + 1] += 1;
    }
  }
}

void BalanceSums::Add(std::span<const double> numbers) {
  for (size_t i = 0; i < numbers_.size(); ++i) numbers_[i] += numbers[i];
}

BalanceFigures BalanceSums::FiguresOf(size_t task) const {
  BalanceFigures figures;
  figures.task_weight = numbers_[Factor(task)] / numbers_[kSlices];
  if (numbers_[kLooked] == 0) return figures;
  figures.gradient_norm = numbers_[Norm(task)] / numbers_[kLooked];
  figures.gradient_conflict = numbers_[Conflict(task)] / numbers_[kLooked];
  figures.gradient_cosine.resize(n_tasks_);
  for (size_t other = 0; other < n_tasks_; ++other) {
    if (other == task) continue;
    const size_t at = Cosine(std::max(task, other), std::min(task, other));
    if (numbers_[at + 1] != 0) figures.gradient_cosine[other] = numbers_[at] / numbers_[at + 1];
  }
  return figures;
}

TaskBalance::TaskBalance(const Job& job, Model* model)
    : model_(model),
      n_tasks_(static_cast<size_t>(job.task_size())),
      look_every_(static_cast<uint64_t>(job.train().task_gradients_every())),
      balancer_(MakeBalancer(job)),
      factors_(n_tasks_),
      own_weights_begin_(static_cast<size_t>(OwnWeightsBegin(*model))) {
  if (look_every_ > 0 || (balancer_ && balancer_->UsesGradients())) {
    gradients_ = std::make_unique<TaskGradients>(FindSharedParameters(job, model), job.task_size());
  }
  if (balancer_ || gradients_) sums_.emplace(n_tasks_);
}

int64_t TaskBalance::NumWeights(const Job& job, const Model& model) {
  const std::unique_ptr<Balancer> balancer = MakeBalancer(job);
  const int n_own = balancer ? balancer->n_own_weights() : 0;
  return n_own == 0 ? model.n_weights() : OwnWeightsBegin(model) + n_own;
}

void TaskBalance::AddEpoch(std::vector<double> losses) {
  if (epochs_.size() == kKeptEpochs) epochs_.erase(epochs_.begin() + 1);
  epochs_.push_back(std::move(losses));
}

bool TaskBalance::LooksAt(uint64_t step) const {
  return (balancer_ && balancer_->UsesGradients()) || (look_every_ > 0 && step % look_every_ == 0);
}

bool TaskBalance::Apply(const Slice& slice, DenseWeights* dense, EmbeddingInput* input) {
  if (sums_) *sums_ = BalanceSums(n_tasks_);
  // A step of few examples may leave a slice without any.
  if (!sums_ || slice.n_rows == 0) return false;

  // From parts of a step to means over the slice, which do not tell how a step is cut.
  const double of_mean =
      static_cast<double>(slice.step_examples) / static_cast<double>(slice.n_rows);
  std::vector<double> objectives(n_tasks_);
  std::vector<double> losses(n_tasks_);
  std::vector<double> labelled(n_tasks_);
  for (size_t t = 0; t < n_tasks_; ++t) {
    const TaskSums& sums = slice.sums[t];
    objectives[t] = slice.objectives[t] * of_mean;
    losses[t] = sums.MeanLoss().value_or(std::numeric_limits<double>::quiet_NaN());
    labelled[t] = sums.weight / static_cast<double>(slice.n_rows);
  }
  const size_t n_own = balancer_ ? static_cast<size_t>(balancer_->n_own_weights()) : 0;
  SliceFacts facts;
  facts.objectives = objectives;
  facts.losses = losses;
  facts.labelled = labelled;
  facts.epochs = &epochs_;
  if (n_own > 0) facts.own_weights = dense->weights().subspan(own_weights_begin_, n_own);
  facts.seed = slice.seed;

  const bool looks = LooksAt(slice.step);
  if (looks) {
    gradients_->Compute(model_, dense->weights().first(static_cast<size_t>(model_->n_weights())),
                        slice.x, *slice.doutputs, input);
    facts.gram = gradients_->Gram() * (of_mean * of_mean);
  }
  factors_ = TaskFactors(n_tasks_, n_own);
  if (balancer_) balancer_->Balance(facts, &factors_);
  sums_->AddFactors(factors_);
  if (looks) sums_->AddGram(facts.gram, factors_);
  for (size_t i = 0; i < n_own; ++i)
    dense->gradients()[own_weights_begin_ + i] =
        static_cast<float>(factors_.down_weights[i] / of_mean);
  if (balancer_ && balancer_->UsesGradients()) {
    slice.doutputs->setZero();
    return true;
  }
  // Gradients that were only looked at are computed again, so that looking changes no bit.
  for (size_t t = 0; t < n_tasks_; ++t) {
    if (factors_.own[t] != 1)
      slice.doutputs->col(static_cast<Eigen::Index>(t)) *= static_cast<float>(factors_.own[t]);
  }
  return false;
}

void TaskBalance::AddGradients(DenseWeights* dense, EmbeddingInput* input) const {
  gradients_->AddTo(factors_, dense->gradients(), input);
}

}  // namespace zhiyin::worker::model::balance
