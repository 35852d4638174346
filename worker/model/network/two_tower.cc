// Two towers (Covington, Adams and Sargin, RecSys 2016, section 3; Yi et al., RecSys 2019, section
// 3):
//   u = tower(user's inputs), v = tower(item's inputs), s = <u, v> / temperature, y_t = a_t s + b_t
// and, where asked for, a softmax over the items of the slice. Candidates c are the item's side of
// the n examples, each counted n_c times: as often as it occurs. For an example of candidate c*
//   -log(exp(s_c*) / (exp(s_c*) + sum over c of other items of k_c exp(s_c)))
//   k_c = n_c / (n q_c)
// with q_c the share of the item in all examples (log-Q correction: Bengio and Senecal, 2003; Yi et
// al., eq. 3), or k_c = n_c. The example's own item is known to be there, so it counts once. It is
// no negative of itself, whatever its side looks like in other examples: which item an example is
// of follows from values in the data (TwoTower.InBatch.item), not from the inputs, which
// augmentation, a price of the day or a history change.
#include <glog/logging.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "worker/model/network/networks.h"
#include "worker/model/nn/init.h"
#include "worker/model/nn/mlp.h"
#include "worker/model/nn/product.h"
#include "worker/model/nn/rounding.h"
#include "worker/model/nn/workspace.h"

namespace zhiyin::worker::model {
namespace {

/// Some columns of x -> vectors [n, dim].
class Tower {
 public:
  Tower(const TwoTower::Tower& config, const TwoTower& both, const Hidden& hidden,
        const InputLayout& layout, int64_t* n_weights)
      : dim_(both.dim()), normalize_(both.normalize()) {
    for (const std::string& name : config.field()) Add(layout.FieldNamed(name));
    for (const std::string& name : config.numeric()) {
      const auto part = std::find_if(layout.numerics.begin(), layout.numerics.end(),
                                     [&](const InputLayout::Part& p) { return p.name == name; });
      CHECK(part != layout.numerics.end()) << name;
      Add(*part);
    }
    if (config.hidden().empty()) return;
    std::vector<int> widths(config.hidden().begin(), config.hidden().end());
    widths.push_back(dim_);
    mlp_.emplace(n_columns_, widths, nn::Activation::kNone, hidden, n_weights);
  }

  void Init(Random* random, std::span<float> weights) const {
    if (mlp_) mlp_->Init(random, weights);
  }

  /// in() and vectors().
  void Forward(std::span<const float> weights, const ConstMatrixView& x, const nn::Pass& pass) {
    in_.resize(x.rows(), n_columns_);
    int at = 0;
    for (const InputLayout::Part& part : parts_) {
      in_.view().middleCols(at, part.dim) = x.middleCols(part.begin, part.dim);
      at += part.dim;
    }
    vectors_.resize(x.rows(), dim_);
    dvectors_.resize(x.rows(), dim_);
    if (mlp_) {
      mlp_->Forward(weights, in_.view(), pass);
      vectors_.view() = mlp_->output();
    } else {
      vectors_.view().setZero();
      for (int p = 0; p < n_columns_ / dim_; ++p)
        vectors_.view() += in_.view().middleCols(p * dim_, dim_);
    }
    if (!normalize_) return;
    inverse_norms_.resize(x.rows(), 1);
    inverse_norms_.view() = (vectors_.view().rowwise().squaredNorm().array() + 1e-12f).rsqrt();
    vectors_.view().array().colwise() *= inverse_norms_.view().col(0).array();
  }

  nn::Graph::Value AddTo(nn::Graph* graph, std::span<const float> weights,
                         const nn::Graph::Value& x) const {
    std::vector<nn::Graph::Value> parts;
    for (const InputLayout::Part& part : parts_)
      parts.push_back(graph->Columns(x, part.begin, part.dim));
    const nn::Graph::Value vectors =
        mlp_ ? mlp_->AddTo(graph, weights, graph->Concat(parts)) : graph->Sum(parts);
    if (!normalize_) return vectors;
    const nn::Graph::Value square = graph->Op(
        "Add", {graph->RowSums(graph->Op("Mul", {vectors, vectors})), graph->Scalar(1e-12f)});
    return graph->Op("Div", {vectors, graph->Op("Sqrt", {square})});
  }

  ConstMatrixView in() const { return in_.view(); }
  ConstMatrixView vectors() const { return vectors_.view(); }
  /// Where the caller puts d loss / d vectors before Backward; overwritten by it.
  MatrixView dvectors() { return dvectors_.view(); }

  /// dx of the tower's own columns = ...
  void Backward(std::span<const float> weights, std::span<float> dweights, Matrix* dx) {
    MatrixView d = dvectors_.view();
    if (normalize_) {
      // d / d raw of raw / |raw|: what is left across the vector, over its length.
      for (Eigen::Index i = 0; i < d.rows(); ++i) {
        const float along = d.row(i).dot(vectors_.view().row(i));
        d.row(i) = (d.row(i) - along * vectors_.view().row(i)) * inverse_norms_.view()(i, 0);
      }
    }
    if (mlp_) {
      din_.resize(d.rows(), n_columns_);
      mlp_->doutput() = d;
      mlp_->Backward(weights, in_.view(), dweights, din_.view());
    }
    int at = 0;
    for (const InputLayout::Part& part : parts_) {
      if (mlp_) {
        dx->middleCols(part.begin, part.dim) = din_.view().middleCols(at, part.dim);
      } else {
        dx->middleCols(part.begin, part.dim) = d;
      }
      at += part.dim;
    }
  }

 private:
  void Add(const InputLayout::Part& part) {
    parts_.push_back(part);
    n_columns_ += part.dim;
  }

  int dim_;
  bool normalize_;
  std::vector<InputLayout::Part> parts_;
  int n_columns_ = 0;
  std::optional<nn::Mlp> mlp_;
  nn::Workspace in_;             // [n, n_columns]
  nn::Workspace din_;            // [n, n_columns]
  nn::Workspace vectors_;        // [n, dim]
  nn::Workspace dvectors_;       // [n, dim]
  nn::Workspace inverse_norms_;  // [n, 1]
};

class TwoTowerModel final : public Model {
 public:
  TwoTowerModel(const Job& job, const InputLayout& layout)
      : config_(job.model().two_tower()),
        n_tasks_(job.task_size()),
        user_(config_.user(), config_, job.model().hidden(), layout, &n_weights_),
        item_(config_.item(), config_, job.model().hidden(), layout, &n_weights_),
        lines_(n_weights_),
        shares_factor_(config_.dim(), config_.dim()),
        users_factor_(config_.dim(), config_.dim()),
        candidates_factor_(config_.dim(), config_.dim()) {
    n_weights_ += 2 * n_tasks_;
    for (int t = 0; t < n_tasks_; ++t) {
      if (job.task(t).name() == config_.in_batch().task()) label_ = t;
    }
    for (const InputLayout::Part& numeric : layout.numerics) {
      if (numeric.name == config_.in_batch().log_share()) log_share_ = numeric.begin;
    }
  }

  /// The towers, then a [n_tasks], b [n_tasks].
  int64_t n_weights() const override { return n_weights_; }

  void InitWeights(Random random, std::span<float> weights) const override {
    user_.Init(&random, weights);
    item_.Init(&random, weights);
    nn::InitConstant(1, lines_, n_tasks_, weights);
    nn::InitConstant(0, lines_ + n_tasks_, n_tasks_, weights);
  }
  void InitOutputs(std::span<const double> outputs, std::span<float> weights) const override {
    std::copy(outputs.begin(), outputs.end(), weights.begin() + lines_ + n_tasks_);
  }

  void Forward(std::span<const float> weights, const ConstMatrixView& x, const nn::Pass& pass,
               Matrix* outputs) override {
    user_.Forward(weights, x, pass);
    item_.Forward(weights, x, pass);
    scores_.resize(x.rows(), 1);
    scores_.view() = user_.vectors().cwiseProduct(item_.vectors()).rowwise().sum() / temperature();
    outputs->noalias() = scores_.view() * A(weights);
    outputs->rowwise() += B(weights);
    has_own_ = false;
    if (!pass.training || log_share_ < 0) return;
    log_shares_.resize(x.rows(), 1);
    log_shares_.view() = x.col(log_share_);
  }

  std::vector<nn::Graph::Value> AddTo(nn::Graph* graph, std::span<const float> weights,
                                      const nn::Graph::Value& x) const override {
    const nn::Graph::Value products =
        graph->Op("Mul", {user_.AddTo(graph, weights, x), item_.AddTo(graph, weights, x)});
    const nn::Graph::Value score =
        graph->Op("Div", {graph->RowSums(products), graph->Scalar(temperature())});
    std::vector<nn::Graph::Value> outputs;
    for (int t = 0; t < n_tasks_; ++t) {
      const size_t a = static_cast<size_t>(lines_ + t);
      const size_t b = a + static_cast<size_t>(n_tasks_);
      outputs.push_back(graph->Op("Add", {graph->Op("Mul", {score, graph->Scalar(weights[a])}),
                                          graph->Scalar(weights[b])}));
    }
    return outputs;
  }

  bool HasAuxiliaryLoss() const override { return config_.has_in_batch(); }
  void AddAuxiliaryLoss(const Matrix& outputs, std::span<const double> labels,
                        std::span<const Key> items, float factor, std::span<double> sums,
                        Matrix*) override {
    if (!config_.has_in_batch()) return;
    const Eigen::Index n = outputs.rows();
    CHECK_EQ(static_cast<size_t>(n), items.size());
    FindCandidates(items);
    const Eigen::Index n_candidates = static_cast<Eigen::Index>(first_row_.size());
    candidates_.resize(n_candidates, config_.dim());
    for (Eigen::Index c = 0; c < n_candidates; ++c)
      candidates_.view().row(c) = item_.vectors().row(first_row_[static_cast<size_t>(c)]);
    shares_.resize(n, n_candidates);
    MatrixView shares = shares_.view();
    // In floats always, since a low temperature enlarges what rounding would change.
    nn::Multiply(nn::Factor(user_.vectors()), nn::Factor(candidates_.view()).Transposed(), shares);
    const float weight = factor * static_cast<float>(config_.in_batch().weight()) / temperature();
    double loss = 0;
    for (Eigen::Index i = 0; i < n; ++i) {
      const double label = label_ < 0 ? 1.0 : labels[static_cast<size_t>(i * n_tasks_ + label_)];
      auto row = shares.row(i);
      if (!(label > 0.5)) {
        row.setZero();
        continue;
      }
      const Eigen::Index own = candidate_of_row_[static_cast<size_t>(i)];
      const float own_score = row(own) / temperature();
      row = row / temperature() + ConstVectorView(log_counts_.data(), n_candidates);
      const std::vector<Eigen::Index>& of_item =
          candidates_of_item_.at(items[static_cast<size_t>(i)]);
      for (const Eigen::Index c : of_item) row(c) = own_score;
      const float largest = row.maxCoeff();
      row = (row.array() - largest).exp();
      for (const Eigen::Index c : of_item) {
        if (c != own) row(c) = 0;
      }
      const float sum = row.sum();
      loss += std::log(sum) + largest - own_score;
      row *= weight / sum;
      row(own) -= weight;
    }
    sums[static_cast<size_t>(std::max(label_, 0))] += config_.in_batch().weight() * loss;
    has_own_ = true;
  }

  void Backward(std::span<const float> weights, const ConstMatrixView& x, const Matrix& doutputs,
                std::span<float> dweights, Matrix* dx) override {
    dx->setZero(x.rows(), x.cols());
    VectorView(dweights.data() + lines_, n_tasks_).noalias() +=
        scores_.view().transpose() * doutputs;
    VectorView(dweights.data() + lines_ + n_tasks_, n_tasks_) += doutputs.colwise().sum();
    dscores_.resize(x.rows(), 1);
    dscores_.view().noalias() = doutputs * A(weights).transpose();
    dscores_.view() /= temperature();
    user_.dvectors() = item_.vectors().array().colwise() * dscores_.view().col(0).array();
    item_.dvectors() = user_.vectors().array().colwise() * dscores_.view().col(0).array();
    if (has_own_) BackwardAuxiliaryLoss();
    user_.Backward(weights, dweights, dx);
    item_.Backward(weights, dweights, dx);
  }

  std::optional<TowerVectors> vectors() const override {
    return TowerVectors{user_.vectors(), item_.vectors(), temperature()};
  }

 private:
  float temperature() const { return static_cast<float>(config_.temperature()); }
  ConstVectorView A(std::span<const float> weights) const {
    return {weights.data() + lines_, n_tasks_};
  }
  ConstVectorView B(std::span<const float> weights) const {
    return {weights.data() + lines_ + n_tasks_, n_tasks_};
  }

  /// Rows of one item with equal inputs are one candidate: candidate_of_row_, first_row_,
  /// candidates_of_item_, log_counts_ (log k of each).
  void FindCandidates(std::span<const Key> items) {
    const ConstMatrixView in = item_.in();
    std::map<std::pair<Key, std::string_view>, Eigen::Index> known;
    candidate_of_row_.clear();
    first_row_.clear();
    candidates_of_item_.clear();
    log_counts_.clear();
    for (Eigen::Index i = 0; i < in.rows(); ++i) {
      const Key item = items[static_cast<size_t>(i)];
      const std::string_view bytes(reinterpret_cast<const char*>(in.data() + i * in.cols()),
                                   static_cast<size_t>(in.cols()) * sizeof(float));
      const Eigen::Index next = static_cast<Eigen::Index>(first_row_.size());
      const auto [at, is_new] = known.emplace(std::pair(item, bytes), next);
      if (is_new) {
        first_row_.push_back(i);
        candidates_of_item_[item].push_back(next);
        log_counts_.push_back(0);
      }
      candidate_of_row_.push_back(at->second);
      log_counts_[static_cast<size_t>(at->second)] += 1;
    }
    const float log_n = std::log(static_cast<float>(in.rows()));
    for (size_t c = 0; c < log_counts_.size(); ++c) {
      log_counts_[c] = std::log(log_counts_[c]);
      if (log_share_ >= 0) log_counts_[c] -= log_n + log_shares_.view()(first_row_[c], 0);
    }
  }

  /// shares_ holds d loss / d <u, v> of (row, candidate). The first row of a candidate takes all.
  /// These products are in bfloat16 where those of the towers are.
  void BackwardAuxiliaryLoss() {
    dcandidates_.resize(candidates_.rows(), candidates_.cols());
    const nn::Factor& shares = shares_factor_.Set(shares_.view());
    nn::Multiply(shares.Transposed(), users_factor_.Set(user_.vectors()), dcandidates_.view());
    nn::MultiplyAdd(shares, candidates_factor_.Set(candidates_.view()), user_.dvectors());
    MatrixView ditem = item_.dvectors();
    for (size_t c = 0; c < first_row_.size(); ++c)
      ditem.row(first_row_[c]) += dcandidates_.view().row(static_cast<Eigen::Index>(c));
  }

  TwoTower config_;
  int n_tasks_;
  int64_t n_weights_ = 0;
  Tower user_;
  Tower item_;
  int64_t lines_;         // where a and b begin
  int label_ = -1;        // of in_batch: its task; -1: all rows
  int log_share_ = -1;    // its column of x; -1: none
  bool has_own_ = false;  // whether AddAuxiliaryLoss was called after the last Forward

  nn::Workspace scores_;   // [n, 1]
  nn::Workspace dscores_;  // [n, 1]
  // State of in_batch.
  nn::Workspace log_shares_;   // [n, 1]
  nn::Workspace candidates_;   // [candidates, dim]
  nn::Workspace dcandidates_;  // [candidates, dim]
  nn::Workspace shares_;       // [n, candidates]
  // Factors of the derivatives. That dim is wide decides whether they are in bfloat16: there are as
  // many candidates as a batch has.
  nn::ActivationFactor shares_factor_;
  nn::ActivationFactor users_factor_;
  nn::ActivationFactor candidates_factor_;
  std::vector<Eigen::Index> candidate_of_row_;  // [n]
  std::vector<Eigen::Index> first_row_;         // [candidates]
  std::vector<float> log_counts_;               // [candidates]
  std::map<Key, std::vector<Eigen::Index>> candidates_of_item_;
};

/// Whether the field is the column of data.behaviour's items as it is.
bool IsItemOfBehaviour(const Job& job, const Field& field) {
  return job.data().has_behaviour() && field.column() == job.data().behaviour().item() &&
         field.separator().empty() && field.bucket().empty();
}

/// The field that in_batch.item names; else the one of the item's tower that reads the items of
/// data.behaviour; else all inputs of that tower.
ItemIdentity ItemOf(const Job& job) {
  const TwoTower& config = job.model().two_tower();
  if (!config.has_in_batch()) return {};
  ItemIdentity all;
  for (int f = 0; f < job.field_size(); ++f) {
    const Field& field = job.field(f);
    if (std::find(config.item().field().begin(), config.item().field().end(), field.name()) ==
        config.item().field().end())
      continue;
    const bool is_item = config.in_batch().item().empty()
                             ? IsItemOfBehaviour(job, field)
                             : config.in_batch().item() == field.name();
    if (is_item) return {{f}, {}};
    all.fields.push_back(f);
  }
  for (int j = 0; j < job.numeric_size(); ++j) {
    if (std::find(config.item().numeric().begin(), config.item().numeric().end(),
                  job.numeric(j).name()) != config.item().numeric().end())
      all.numerics.push_back(j);
  }
  return all;
}

void FillTwoTower(Job* job) {
  TwoTower* config = job->mutable_model()->mutable_two_tower();
  if (!config->has_temperature()) config->set_temperature(1);
  if (config->has_in_batch() && !config->in_batch().has_weight())
    config->mutable_in_batch()->set_weight(1);
}

/// Checks a tower and adds the names of its inputs to *taken.
void CheckTower(const ModelChecker& check, const config::ConfigPath& path,
                const TwoTower::Tower& tower, int dim, std::set<std::string>* taken) {
  check.CheckWidths(path, "hidden", tower.hidden(), 0);
  if (tower.field_size() == 0) check.Fail(path, "has no field, expected at least 1");
  const auto take = [&](const config::ConfigPath& at, const std::string& name) {
    if (!taken->insert(name).second)
      check.Fail(at, "\"", name, "\" is an input of a tower already, expected it once");
  };
  for (int i = 0; i < tower.field_size(); ++i) {
    const Field& field = check.FieldNamed(path("field", i), tower.field(i));
    take(path("field", i), field.name());
    if (tower.hidden().empty() && check.DimOf(field) != dim) {
      check.Fail(path("field", i), "\"", field.name(), "\" has dim ", check.DimOf(field),
                 ", expected two_tower.dim, ", dim, ": without hidden layers the rows are summed");
    }
  }
  for (int i = 0; i < tower.numeric_size(); ++i) {
    take(path("numeric", i), check.NumericNamed(path("numeric", i), tower.numeric(i)).name());
    if (tower.hidden().empty())
      check.Fail(path("numeric", i), "needs a hidden layer, expected none or hidden");
  }
}

/// Checks the field by which items are known.
void CheckItem(const ModelChecker& check, const config::ConfigPath& path, const TwoTower& config) {
  if (config.in_batch().item().empty()) return;
  const Field& field = check.FieldNamed(path, config.in_batch().item());
  if (std::find(config.item().field().begin(), config.item().field().end(), field.name()) ==
      config.item().field().end()) {
    check.Fail(path, "\"", field.name(), "\" is no field of the item's tower, expected one");
  }
  if (!field.separator().empty()) {
    check.Fail(path, "field \"", field.name(),
               "\" has several values in a row, expected one without a separator");
  }
}

/// Checks the auxiliary loss; log_share's numeric joins *taken.
void CheckInBatch(const ModelChecker& check, const config::ConfigPath& path, const TwoTower& config,
                  std::set<std::string>* taken) {
  if (!config.in_batch().task().empty()) check.TaskNamed(path("task"), config.in_batch().task());
  if (config.has_in_batch()) check.CheckPositive(path("weight"), config.in_batch().weight());
  CheckItem(check, path("item"), config);
  if (config.in_batch().log_share().empty()) return;
  const Numeric& share = check.NumericNamed(path("log_share"), config.in_batch().log_share());
  if (share.standardise() || share.log1p()) {
    check.Fail(path("log_share"), "numeric \"", share.name(),
               "\" is transformed, expected it with standardise: false, log1p: false");
  }
  if (!taken->insert(share.name()).second) {
    check.Fail(path("log_share"), "\"", share.name(),
               "\" is an input of a tower, expected one that is in none");
  }
}

void CheckTwoTower(const ModelChecker& check, const config::ConfigPath& path) {
  const Job& job = check.job();
  const TwoTower& config = job.model().two_tower();
  const config::ConfigPath model = check.model_path();
  if (job.model().interaction_size() > 0) {
    check.Fail(model("interaction", 0),
               "means nothing to two_tower, whose towers read the inputs, expected none");
  }
  if (job.model().has_gates()) {
    check.Fail(model("gates"),
               "means nothing to two_tower, whose towers read the inputs, expected none");
  }
  if (job.model().has_wide()) {
    check.Fail(model("wide"),
               "means nothing to two_tower, whose score is that of two vectors, expected none");
  }
  std::set<std::string> taken;
  check.CheckRange(path("dim"), config.dim(), 1, kMaxWidth);
  check.CheckPositive(path("temperature"), config.temperature());
  CheckTower(check, path("user"), config.user(), config.dim(), &taken);
  CheckTower(check, path("item"), config.item(), config.dim(), &taken);
  CheckInBatch(check, path("in_batch"), config, &taken);
  const auto check_read = [&](const config::ConfigPath& at, const std::string& name) {
    if (taken.count(name) > 0) return;
    check.Fail(at, "\"", name, "\" is in no tower, expected it in model.two_tower.user or item");
  };
  for (int i = 0; i < job.field_size(); ++i)
    check_read(check.root()("field", i), job.field(i).name());
  for (int i = 0; i < job.numeric_size(); ++i)
    check_read(check.root()("numeric", i), job.numeric(i).name());
}

std::unique_ptr<Model> MakeTwoTower(const Job& job, int, const InputLayout& layout) {
  return std::make_unique<TwoTowerModel>(job, layout);
}

}  // namespace

const NetworkKind kTwoTower = {
    .name = "two_tower",
    .fill_defaults = FillTwoTower,
    .check = CheckTwoTower,
    .make = MakeTwoTower,
    .learns_without_tasks = [](const Job& job) { return job.model().two_tower().has_in_batch(); },
    .item = ItemOf,
};

}  // namespace zhiyin::worker::model
