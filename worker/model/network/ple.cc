// Progressive layered extraction (Tang et al., "Progressive Layered Extraction (PLE): A Novel
// Multi-Task Learning Model for Personalized Recommendations", RecSys 2020). With one level it is
// customized gate control (CGC):
//   y^k = t^k(g^k(x))                                         (1)
//   g^k = w^k(x) S^k(x)                                       (2)
//   w^k = softmax(x Wg^k + bg^k)                              (3)
//   S^k = [task k's own experts, then the shared ones](x)     (4)
// With more levels, g^k of a level is what the experts and the gate of task k read at the next:
//   g^{k,j} = w^{k,j}(g^{k,j-1}) S^{k,j}(g^{k,j-1})           (5)
//   y^k = t^k(g^{k,N})                                        (6)
// and the shared experts of a level read g^s of the level below: a gate over the experts of all
// tasks and the shared ones.
//
// Tasks and the shared part are groups 0 ... T - 1 and T. Experts stand in that order. At the first
// level all groups read x, and their first layers and all gates are one product; above, each group
// has a product of its own.
#include <memory>

#include "worker/model/network/expert_bank.h"
#include "worker/model/network/networks.h"
#include "worker/model/network/towers.h"
#include "worker/model/nn/mixture.h"

namespace zhiyin::worker::model {
namespace {

class PleLevel {
 public:
  PleLevel(const Ple::Level& config, const Hidden& hidden, int in, int n_tasks, bool is_first,
           bool is_last, int64_t* n_weights)
      : n_tasks_(n_tasks),
        n_own_(config.task_experts()),
        n_shared_(config.shared_experts()),
        is_first_(is_first) {
    const std::vector<int> widths(config.expert().begin(), config.expert().end());
    const int n_all = n_tasks * n_own_ + n_shared_;
    std::vector<int> gates(static_cast<size_t>(n_tasks), n_own_ + n_shared_);
    if (!is_last) gates.push_back(n_all);
    n_gates_ = static_cast<int>(gates.size());
    if (is_first) {
      banks_.push_back(std::make_unique<ExpertBank>(in, n_all, widths, gates, hidden, n_weights));
    } else {
      for (int g = 0; g <= n_tasks; ++g) {
        std::vector<int> own;
        if (g < n_gates_) own.push_back(gates[static_cast<size_t>(g)]);
        banks_.push_back(
            std::make_unique<ExpertBank>(in, Count(g), widths, own, hidden, n_weights));
      }
    }
    mixtures_.resize(gates.size());
    dmixtures_.resize(gates.size());
  }

  int width() const { return banks_[0]->width(); }
  void Init(Random* random, std::span<float> weights) const {
    for (const auto& bank : banks_) bank->Init(random, weights);
  }

  /// The output of group g, which the level above or its tower reads: [n, width()].
  const Matrix& mixture(int g) const { return mixtures_[static_cast<size_t>(g)]; }
  Matrix& dmixture(int g) { return dmixtures_[static_cast<size_t>(g)]; }

  /// `input(b)`: what bank b reads. At the first level there is one bank, above there is one a
  /// group.
  template <typename Input>
  void Forward(std::span<const float> weights, const Input& input, const nn::Pass& pass) {
    for (size_t b = 0; b < banks_.size(); ++b)
      banks_[b]->Forward(weights, input(static_cast<int>(b)), pass);
    const Eigen::Index n = input(0).rows();
    for (int g = 0; g < n_gates_; ++g) {
      mixtures_[static_cast<size_t>(g)].setZero(n, width());
      dmixtures_[static_cast<size_t>(g)].resize(n, width());
    }
    nn::ForRowsInCache(n, [&](Eigen::Index begin, Eigen::Index n_rows) {
      const auto part = [&](auto block) { return block.middleRows(begin, n_rows); };
      for (int g = 0; g < n_gates_; ++g) {
        ForEachRead(g, [&](int read, int at) {
          nn::AddMixture(part(Gate(g)).middleCols(at, Count(read)), part(Experts(read)),
                         mixtures_[static_cast<size_t>(g)].middleRows(begin, n_rows));
        });
      }
    });
  }

  /// From dmixture; `dinput(b)` is where d loss / d input(b) goes.
  template <typename Input, typename DInput>
  void Backward(std::span<const float> weights, const Input& input, std::span<float> dweights,
                const DInput& dinput) {
    for (const auto& bank : banks_) bank->StartBackward();
    nn::ForRowsInCache(input(0).rows(), [&](Eigen::Index begin, Eigen::Index n_rows) {
      const auto part = [&](auto block) { return block.middleRows(begin, n_rows); };
      for (int g = 0; g < n_gates_; ++g) {
        const auto dm = dmixtures_[static_cast<size_t>(g)].middleRows(begin, n_rows);
        ForEachRead(g, [&](int read, int at) {
          nn::MixtureGateBackward(part(Experts(read)), dm,
                                  part(DGate(g)).middleCols(at, Count(read)));
          nn::MixtureExpertsBackward(part(Gate(g)).middleCols(at, Count(read)), dm,
                                     part(DExperts(read)));
        });
      }
    });
    for (size_t b = 0; b < banks_.size(); ++b)
      banks_[b]->Backward(weights, input(static_cast<int>(b)), dweights,
                          dinput(static_cast<int>(b)));
  }

  /// Adds the computation of Forward to an inference graph; returns a value for each mixture.
  /// input(g) is as in Forward.
  template <typename Input>
  std::vector<nn::Graph::Value> AddTo(nn::Graph* graph, std::span<const float> weights,
                                      const Input& input) const {
    std::vector<ExpertBank::Values> banks;
    for (size_t b = 0; b < banks_.size(); ++b)
      banks.push_back(banks_[b]->AddTo(graph, weights, input(static_cast<int>(b))));
    const auto bank = [&](int group) -> const ExpertBank::Values& {
      return banks[static_cast<size_t>(is_first_ ? 0 : group)];
    };
    std::vector<nn::Graph::Value> mixtures;
    for (int g = 0; g < n_gates_; ++g) {
      std::vector<nn::Graph::Value> experts;
      ForEachRead(g, [&](int read, int) {
        const auto first = bank(read).experts.begin() + First(read);
        experts.insert(experts.end(), first, first + Count(read));
      });
      mixtures.push_back(
          nn::MixtureOf(graph, bank(g).gates[static_cast<size_t>(is_first_ ? g : 0)], experts));
    }
    return mixtures;
  }

 private:
  int Count(int group) const { return group < n_tasks_ ? n_own_ : n_shared_; }
  ExpertBank& Bank(int group) const { return *banks_[static_cast<size_t>(is_first_ ? 0 : group)]; }
  int First(int group) const { return is_first_ ? group * n_own_ : 0; }
  WorkspaceColumns Experts(int group) const {
    return Bank(group).Experts(First(group), Count(group));
  }
  WorkspaceColumns DExperts(int group) const {
    return Bank(group).DExperts(First(group), Count(group));
  }
  WorkspaceColumns Gate(int group) const { return Bank(group).Gate(is_first_ ? group : 0); }
  WorkspaceColumns DGate(int group) const { return Bank(group).DGate(is_first_ ? group : 0); }

  /// Groups whose experts the gate of group g weighs, with the gate's first column for each.
  template <typename Visit>
  void ForEachRead(int g, const Visit& visit) const {
    if (g < n_tasks_) {
      visit(g, 0);
      visit(n_tasks_, n_own_);
      return;
    }
    for (int read = 0; read <= n_tasks_; ++read) visit(read, read * n_own_);
  }

  int n_tasks_;
  int n_own_;     // experts of a task
  int n_shared_;  // experts of all
  bool is_first_;
  int n_gates_ = 0;  // without the shared one at the last level
  std::vector<std::unique_ptr<ExpertBank>> banks_;
  std::vector<Matrix> mixtures_;   // [gate][n, width]
  std::vector<Matrix> dmixtures_;  // [gate][n, width]
};

class PleModel final : public Model {
 public:
  PleModel(const Ple& config, const Hidden& hidden, int input_dim, int n_tasks)
      : n_tasks_(n_tasks) {
    int in = input_dim;
    for (int l = 0; l < config.level_size(); ++l) {
      levels_.emplace_back(config.level(l), hidden, in, n_tasks, l == 0,
                           l + 1 == config.level_size(), &n_weights_);
      in = levels_.back().width();
    }
    towers_ = std::make_unique<Towers>(n_tasks, in, config.tower(), hidden, &n_weights_);
  }

  int64_t n_weights() const override { return n_weights_; }

  void InitWeights(Random random, std::span<float> weights) const override {
    for (const PleLevel& level : levels_) level.Init(&random, weights);
    towers_->Init(&random, weights);
  }
  void InitOutputs(std::span<const double> outputs, std::span<float> weights) const override {
    towers_->InitOutputs(outputs, weights);
  }

  void Forward(std::span<const float> weights, const ConstMatrixView& x, const nn::Pass& pass,
               Matrix* outputs) override {
    outputs->resize(x.rows(), n_tasks_);
    levels_[0].Forward(
        weights, [&](int) -> const ConstMatrixView& { return x; }, pass);
    for (size_t l = 1; l < levels_.size(); ++l)
      levels_[l].Forward(
          weights, [&](int g) -> const Matrix& { return levels_[l - 1].mixture(g); }, pass);
    for (int t = 0; t < n_tasks_; ++t)
      towers_->Forward(t, weights, levels_.back().mixture(t), pass, outputs);
  }

  std::vector<nn::Graph::Value> AddTo(nn::Graph* graph, std::span<const float> weights,
                                      const nn::Graph::Value& x) const override {
    std::vector<nn::Graph::Value> mixtures =
        levels_[0].AddTo(graph, weights, [&](int) { return x; });
    for (size_t l = 1; l < levels_.size(); ++l)
      mixtures =
          levels_[l].AddTo(graph, weights, [&](int g) { return mixtures[static_cast<size_t>(g)]; });
    std::vector<nn::Graph::Value> outputs;
    for (int t = 0; t < n_tasks_; ++t)
      outputs.push_back(towers_->AddTo(t, graph, weights, mixtures[static_cast<size_t>(t)]));
    return outputs;
  }

  void Backward(std::span<const float> weights, const ConstMatrixView& x, const Matrix& doutputs,
                std::span<float> dweights, Matrix* dx) override {
    dx->resize(x.rows(), x.cols());
    for (int t = 0; t < n_tasks_; ++t)
      towers_->Backward(t, weights, levels_.back().mixture(t), doutputs, dweights,
                        levels_.back().dmixture(t));
    for (size_t l = levels_.size(); l-- > 1;) {
      levels_[l].Backward(
          weights, [&](int g) -> const Matrix& { return levels_[l - 1].mixture(g); }, dweights,
          [&](int g) -> Matrix& { return levels_[l - 1].dmixture(g); });
    }
    levels_[0].Backward(
        weights, [&](int) -> const ConstMatrixView& { return x; }, dweights,
        [&](int) -> Matrix& { return *dx; });
  }

 private:
  int n_tasks_;
  int64_t n_weights_ = 0;
  std::vector<PleLevel> levels_;
  std::unique_ptr<Towers> towers_;
};

void CheckPle(const ModelChecker& check, const config::ConfigPath& path) {
  const Ple& config = check.job().model().ple();
  if (config.level_size() == 0) check.Fail(path, "level has no entry, expected at least 1");
  if (config.level_size() > kMaxLayers) {
    check.Fail(path("level", kMaxLayers), "is one too many, expected at most ", kMaxLayers);
  }
  for (int l = 0; l < config.level_size(); ++l) {
    const config::ConfigPath level = path("level", l);
    check.CheckExperts(level, config.level(l).shared_experts(), config.level(l).task_experts());
    check.CheckWidths(level, "expert", config.level(l).expert(), 1);
  }
  check.CheckWidths(path, "tower", config.tower(), 0);
}

std::unique_ptr<Model> MakePle(const Job& job, int input_dim, const InputLayout&) {
  return std::make_unique<PleModel>(job.model().ple(), job.model().hidden(), input_dim,
                                    job.task_size());
}

}  // namespace

const NetworkKind kPle = {
    .name = "ple",
    .check = CheckPle,
    .make = MakePle,
};

}  // namespace zhiyin::worker::model
