// Entire space multi-task model (Ma et al., "Entire Space Multi-Task Model: An Effective Approach
// for Estimating Post-Click Conversion Rate", SIGIR 2018), for a chain of any length. Step k has a
// network f_k, whose output is the logit of going on from step k - 1 to step k; what is seen, and
// learned from, on all impressions is the product (eq. 1, pCTCVR = pCTR * pCVR):
//   p_k = prod_{j <= k} sigmoid(f_j(x))
// The output of step k's task is logit(p_k), of its conditional task f_k(x): for two steps pCTR,
// pCTCVR and pCVR. Eq. 2, the cross-entropy of pCTR and pCTCVR over all impressions, is then the
// sum of those two tasks' losses.
//
// Counterfactual regularisation (ESCM2, Wang et al., SIGIR 2022, the estimator by inverse
// propensity): adds
//   ipw_weight * sum over rows with a conditional label of cross-entropy(f_k(x), label) /
//   max(p_{k-1}, min_propensity)
// with p_{k-1} held fixed. A row's conditional label is there where step k - 1 was reached.
//
// There are two models, one on the other: EsmmLogits has the networks f_k, and EsmmModel makes the
// outputs of the logits. What else a job adds to a model's outputs, the wide part, it adds to the
// logits in between, f_k(x) = network + wide terms of step k's task, so that p_k is the product of
// its factors whatever the job has.
#include <algorithm>
#include <cmath>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "worker/model/network/expert_bank.h"
#include "worker/model/network/networks.h"
#include "worker/model/network/towers.h"
#include "worker/model/nn/logit_of_product.h"

namespace zhiyin::worker::model {
namespace {

constexpr int kNoTask = -1;

/// Which tasks belong to the steps.
class Steps {
 public:
  explicit Steps(const Job& job) : n_tasks_(job.task_size()) {
    for (const Esmm::Step& step : job.model().esmm().step()) {
      tasks_.push_back(TaskNamed(job, step.task()));
      conditional_tasks_.push_back(TaskNamed(job, step.conditional_task()));
    }
  }

  int n() const { return static_cast<int>(tasks_.size()); }
  int n_tasks() const { return n_tasks_; }
  /// The column of the step's task in matrices [n, n_tasks].
  int Task(int step) const { return tasks_[static_cast<size_t>(step)]; }
  /// That of its conditional task, or kNoTask.
  int ConditionalTask(int step) const { return conditional_tasks_[static_cast<size_t>(step)]; }

 private:
  static int TaskNamed(const Job& job, const std::string& name) {
    for (int t = 0; t < job.task_size(); ++t) {
      if (job.task(t).name() == name) return t;
    }
    return kNoTask;
  }

  int n_tasks_;
  std::vector<int> tasks_;              // [steps]
  std::vector<int> conditional_tasks_;  // [steps]
};

/// Gives f_k(x) in the columns of step k's task and of its conditional task. The first layers of
/// all networks are one product.
class EsmmLogits final : public Model {
 public:
  EsmmLogits(const Job& job, int input_dim)
      : steps_(job),
        bank_(input_dim, steps_.n(),
              {job.model().esmm().hidden().begin(), job.model().esmm().hidden().end()}, {},
              job.model().hidden(), &n_weights_),
        logits_of_(steps_.n(), bank_.width(), &n_weights_) {}

  int64_t n_weights() const override { return n_weights_; }

  void InitWeights(Random random, std::span<float> weights) const override {
    bank_.Init(&random, weights);
    logits_of_.Init(&random, weights);
  }
  void InitOutputs(std::span<const double> outputs, std::span<float> weights) const override {
    std::vector<double> logits;
    for (int k = 0; k < steps_.n(); ++k)
      logits.push_back(outputs[static_cast<size_t>(steps_.Task(k))]);
    logits_of_.InitOutputs(logits, weights);
  }

  void Forward(std::span<const float> weights, const ConstMatrixView& x, const nn::Pass& pass,
               Matrix* outputs) override {
    outputs->resize(x.rows(), steps_.n_tasks());
    logits_.resize(x.rows(), steps_.n());
    bank_.Forward(weights, x, pass);
    for (int k = 0; k < steps_.n(); ++k) {
      logits_of_.Forward(k, weights, bank_.Experts(k, 1), pass, &logits_);
      outputs->col(steps_.Task(k)) = logits_.col(k);
      if (steps_.ConditionalTask(k) != kNoTask)
        outputs->col(steps_.ConditionalTask(k)) = logits_.col(k);
    }
  }

  std::vector<nn::Graph::Value> AddTo(nn::Graph* graph, std::span<const float> weights,
                                      const nn::Graph::Value& x) const override {
    const ExpertBank::Values bank = bank_.AddTo(graph, weights, x);
    std::vector<nn::Graph::Value> logits(static_cast<size_t>(steps_.n_tasks()));
    for (int k = 0; k < steps_.n(); ++k) {
      const nn::Graph::Value logit =
          logits_of_.AddTo(k, graph, weights, bank.experts[static_cast<size_t>(k)]);
      logits[static_cast<size_t>(steps_.Task(k))] = logit;
      if (steps_.ConditionalTask(k) != kNoTask)
        logits[static_cast<size_t>(steps_.ConditionalTask(k))] = logit;
    }
    return logits;
  }

  void Backward(std::span<const float> weights, const ConstMatrixView& x, const Matrix& doutputs,
                std::span<float> dweights, Matrix* dx) override {
    dx->resize(x.rows(), x.cols());
    dlogits_.resize(x.rows(), steps_.n());
    bank_.StartBackward();
    for (int k = 0; k < steps_.n(); ++k) {
      dlogits_.col(k) = doutputs.col(steps_.Task(k));
      if (steps_.ConditionalTask(k) != kNoTask)
        dlogits_.col(k) += doutputs.col(steps_.ConditionalTask(k));
      logits_of_.Backward(k, weights, bank_.Experts(k, 1), dlogits_, dweights,
                          bank_.DExperts(k, 1));
    }
    bank_.Backward(weights, x, dweights, *dx);
  }

 private:
  Steps steps_;
  int64_t n_weights_ = 0;
  ExpertBank bank_;   // network k up to its last hidden layer is expert k
  Towers logits_of_;  // the linear units behind them
  Matrix logits_;     // [n, steps]
  Matrix dlogits_;    // [n, steps]
};

/// Reads the logit of step k in the column of its task.
class EsmmModel final : public Model {
 public:
  EsmmModel(const Job& job, std::unique_ptr<Model> logits)
      : steps_(job),
        ipw_weight_(job.model().esmm().ipw_weight()),
        min_propensity_(job.model().esmm().min_propensity()),
        model_(std::move(logits)),
        a_(static_cast<size_t>(steps_.n())),
        da_(static_cast<size_t>(steps_.n())) {}

  int64_t n_weights() const override { return model_->n_weights(); }
  void InitWeights(Random random, std::span<float> weights) const override {
    model_->InitWeights(random, weights);
  }
  /// The logit of step k is that of p_k / p_{k-1}: of going on, given step k - 1.
  void InitOutputs(std::span<const double> outputs, std::span<float> weights) const override {
    std::vector<double> logits(outputs.begin(), outputs.end());
    double p_before = 1;
    for (int k = 0; k < steps_.n(); ++k) {
      const size_t t = static_cast<size_t>(steps_.Task(k));
      const double p = 1 / (1 + std::exp(-outputs[t]));
      logits[t] = nn::LogitOfShare(p / p_before);
      p_before = p;
    }
    model_->InitOutputs(logits, weights);
  }

  void Forward(std::span<const float> weights, const ConstMatrixView& x, const nn::Pass& pass,
               Matrix* outputs) override {
    model_->Forward(weights, x, pass, &logits_);
    outputs->resize(x.rows(), steps_.n_tasks());
    for (Eigen::Index i = 0; i < x.rows(); ++i) {
      for (int k = 0; k < steps_.n(); ++k) {
        (*outputs)(i, steps_.Task(k)) = static_cast<float>(Product(i, k));
        if (steps_.ConditionalTask(k) != kNoTask)
          (*outputs)(i, steps_.ConditionalTask(k)) = logits_(i, steps_.Task(k));
      }
    }
  }

  std::vector<nn::Graph::Value> AddTo(nn::Graph* graph, std::span<const float> weights,
                                      const nn::Graph::Value& x) const override {
    const std::vector<nn::Graph::Value> logits = model_->AddTo(graph, weights, x);
    std::vector<nn::Graph::Value> outputs(logits.size());
    nn::Graph::Value log_p;
    for (int k = 0; k < steps_.n(); ++k) {
      const nn::Graph::Value& logit = logits[static_cast<size_t>(steps_.Task(k))];
      if (steps_.ConditionalTask(k) != kNoTask)
        outputs[static_cast<size_t>(steps_.ConditionalTask(k))] = logit;
      const nn::Graph::Value own =
          graph->Op("Neg", {graph->Op("Softplus", {graph->Op("Neg", {logit})})});
      log_p = k == 0 ? own : graph->Op("Add", {log_p, own});
      // log p - log(1 - p)
      const nn::Graph::Value rest =
          graph->Op("Log", {graph->Op("Sub", {graph->Scalar(1), graph->Op("Exp", {log_p})})});
      outputs[static_cast<size_t>(steps_.Task(k))] =
          k == 0 ? logit : graph->Op("Sub", {log_p, rest});
    }
    return outputs;
  }

  void Backward(std::span<const float> weights, const ConstMatrixView& x, const Matrix& doutputs,
                std::span<float> dweights, Matrix* dx) override {
    dlogits_.setZero(x.rows(), steps_.n_tasks());
    for (Eigen::Index i = 0; i < x.rows(); ++i) {
      for (int k = 0; k < steps_.n(); ++k) {
        Product(i, k);
        for (int j = 0; j <= k; ++j)
          dlogits_(i, steps_.Task(j)) +=
              doutputs(i, steps_.Task(k)) * static_cast<float>(da_[static_cast<size_t>(j)]);
        if (steps_.ConditionalTask(k) != kNoTask)
          dlogits_(i, steps_.Task(k)) += doutputs(i, steps_.ConditionalTask(k));
      }
    }
    model_->Backward(weights, x, dlogits_, dweights, dx);
  }

  bool HasAuxiliaryLoss() const override { return ipw_weight_ != 0 || model_->HasAuxiliaryLoss(); }
  void AddAuxiliaryLoss(const Matrix& outputs, std::span<const double> labels,
                        std::span<const Key> items, float factor, std::span<double> sums,
                        Matrix* doutputs) override {
    AddCounterfactualLoss(outputs, labels, factor, sums, doutputs);
    model_->AddAuxiliaryLoss(outputs, labels, items, factor, sums, doutputs);
  }

  std::vector<std::pair<std::string, float>> Gates(std::span<const float> weights) const override {
    return model_->Gates(weights);
  }

 private:
  void AddCounterfactualLoss(const Matrix& outputs, std::span<const double> labels, float factor,
                             std::span<double> sums, Matrix* doutputs) const {
    if (ipw_weight_ == 0) return;
    for (int k = 1; k < steps_.n(); ++k) {
      const int conditional = steps_.ConditionalTask(k);
      if (conditional == kNoTask) continue;
      for (Eigen::Index i = 0; i < outputs.rows(); ++i) {
        const double label = labels[static_cast<size_t>(i * steps_.n_tasks() + conditional)];
        if (std::isnan(label)) continue;
        const double reached =
            1 / (1 + std::exp(-static_cast<double>(outputs(i, steps_.Task(k - 1)))));
        const double weight = ipw_weight_ / std::max(reached, min_propensity_);
        const double z = outputs(i, conditional);
        sums[static_cast<size_t>(conditional)] +=
            weight * (std::max(z, 0.0) - label * z + std::log1p(std::exp(-std::abs(z))));
        (*doutputs)(i, conditional) +=
            factor * static_cast<float>(weight * (1 / (1 + std::exp(-z)) - label));
      }
    }
  }

  /// logit(p_k) of row i; its derivatives by the logits of steps 0 to k are then in da_.
  double Product(Eigen::Index i, int k) {
    const size_t n = static_cast<size_t>(k) + 1;
    for (size_t j = 0; j < n; ++j) a_[j] = logits_(i, steps_.Task(static_cast<int>(j)));
    return nn::LogitOfProduct(std::span(a_).first(n), std::span(da_).first(n));
  }

  Steps steps_;
  double ipw_weight_;
  double min_propensity_;
  std::unique_ptr<Model> model_;  // gives the logits
  Matrix logits_;                 // [n, n_tasks], read in the columns of the steps' tasks
  Matrix dlogits_;                // [n, n_tasks]
  std::vector<double> a_;         // [steps], of one row
  std::vector<double> da_;        // [steps], of one row
};

void FillEsmm(Job* job) {
  Esmm* config = job->mutable_model()->mutable_esmm();
  if (!config->has_min_propensity()) config->set_min_propensity(0.01);
  // A conditional task is implied by the products: it is learned from only where a weight is given.
  for (Task& task : *job->mutable_task()) {
    const bool is_implied =
        std::any_of(config->step().begin(), config->step().end(),
                    [&](const Esmm::Step& step) { return step.conditional_task() == task.name(); });
    if (is_implied && !task.has_weight()) task.set_weight(0);
  }
}

/// The task with this name, which `path` gives a place in the chain; it may have no other.
int PlaceTask(const ModelChecker& check, const config::ConfigPath& path, const std::string& name,
              std::set<std::string>* placed) {
  const int task = check.TaskNamed(path, name);
  if (!placed->insert(name).second)
    check.Fail(path, "\"", name, "\" has its place in an earlier one");
  check.CheckProbability(path, task, "the model gives probabilities");
  return task;
}

/// Checks the steps and collects their tasks; returns whether any has a conditional task.
bool CheckEsmmSteps(const ModelChecker& check, const config::ConfigPath& path,
                    std::set<std::string>* placed) {
  const Esmm& config = check.job().model().esmm();
  bool any_conditional = false;
  for (int k = 0; k < config.step_size(); ++k) {
    const config::ConfigPath step = path("step", k);
    if (config.step(k).task().empty()) check.Fail(step, "has no task");
    const int task = PlaceTask(check, step("task"), config.step(k).task(), placed);
    if (check.job().task(task).weight() == 0) {
      check.Fail(check.root()("task", task)("weight"),
                 "is 0, but a step of esmm is learned from it, expected more");
    }
    if (config.step(k).conditional_task().empty()) continue;
    if (k == 0) {
      check.Fail(step("conditional_task"),
                 "is given for the first step, which nothing comes before, expected none");
    }
    const int conditional =
        PlaceTask(check, step("conditional_task"), config.step(k).conditional_task(), placed);
    const double negative_share = check.job().task(conditional).negative_share();
    if (config.ipw_weight() > 0 && negative_share < 1) {
      check.Fail(check.root()("task", conditional)("negative_share"), "is ", negative_share,
                 ", expected 1 with model.esmm.ipw_weight, whose loss counts every label once: "
                 "without a part of the negatives it is biased");
    }
    any_conditional = true;
  }
  return any_conditional;
}

void CheckEsmm(const ModelChecker& check, const config::ConfigPath& path) {
  const Job& job = check.job();
  const Esmm& config = job.model().esmm();
  check.CheckWidths(path, "hidden", config.hidden(), 1);
  if (config.step_size() < 2) {
    check.Fail(path, "step has ", config.step_size(),
               config.step_size() == 1 ? " entry" : " entries",
               ", expected at least 2: a chain of events, as a click and a purchase");
  }
  std::set<std::string> placed;
  const bool any_conditional = CheckEsmmSteps(check, path, &placed);
  for (int t = 0; t < job.task_size(); ++t) {
    if (placed.count(job.task(t).name()) == 0) {
      check.Fail(check.root()("task", t), "\"", job.task(t).name(),
                 "\" has no place in model.esmm, expected it as the task or "
                 "the conditional_task of a step");
    }
  }
  check.CheckNotNegative(path("ipw_weight"), config.ipw_weight());
  check.CheckPositive(path("min_propensity"), config.min_propensity());
  check.CheckRange(path("min_propensity"), config.min_propensity(), 0.0, 1.0);
  if (config.ipw_weight() > 0 && !any_conditional) {
    check.Fail(path("ipw_weight"),
               "is given, but no step has a conditional_task, whose labels it weighs");
  }
}

std::unique_ptr<Model> MakeLogits(const Job& job, int input_dim, const InputLayout&) {
  return std::make_unique<EsmmLogits>(job, input_dim);
}

std::unique_ptr<Model> MakeEsmm(const Job& job, std::unique_ptr<Model> logits) {
  return std::make_unique<EsmmModel>(job, std::move(logits));
}

}  // namespace

const NetworkKind kEsmm = {
    .name = "esmm",
    .fill_defaults = FillEsmm,
    .check = CheckEsmm,
    .make = MakeLogits,
    .make_outputs = MakeEsmm,
};

}  // namespace zhiyin::worker::model
