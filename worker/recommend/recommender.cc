#include "worker/recommend/recommender.h"

#include <glog/logging.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "common/behaviour_columns.h"
#include "common/error.h"
#include "worker/data/schema.h"

namespace zhiyin::worker {
namespace {

constexpr size_t kRowsPerRun = 1024;

/// Every column that the job reads, by name; labels are nobody's concern here.
std::vector<std::string> ColumnsOf(const Job& job) {
  std::vector<std::string> names;
  const auto add = [&](const std::string& name) {
    if (!name.starts_with('#') && std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  };
  for (const Field& field : job.field()) add(field.column());
  for (const Numeric& numeric : job.numeric()) add(numeric.column());
  add(job.data().behaviour().user());
  add(job.data().behaviour().item());
  for (const std::string_view name : kBehaviourColumns) add(std::string(name));
  return names;
}

}  // namespace

Recommender::RowMaker::RowMaker(const Job& job, std::shared_ptr<const Behaviour> behaviour)
    : behaviour_(std::move(behaviour)), names_(ColumnsOf(job)) {
  if (!job.data().has_behaviour())
    Fail("the model's job has no data.behaviour: expected it, which names the columns of users and items");
  const auto position = [&](const std::string& name) {
    return static_cast<size_t>(std::find(names_.begin(), names_.end(), name) - names_.begin());
  };
  user_ = position(job.data().behaviour().user());
  item_ = position(job.data().behaviour().item());
  const Columns columns = {static_cast<int>(names_.size()), names_, "the model's job"};
  parser_ = std::make_unique<RowParser>(job, Schema::Of(job, columns, LabelUse::kIgnored));
}

void Recommender::RowMaker::Append(int user, int item, std::string_view history, Rows* rows) const {
  std::vector<std::string_view> values(names_.size());
  if (user >= 0) values[user_] = behaviour_->user(user);
  if (item >= 0) values[item_] = behaviour_->item(item);
  for (size_t c = 0; c < names_.size(); ++c) {
    if (names_[c] == kBehaviourColumns[0]) values[c] = history;
  }
  const std::string wrong = parser_->Parse(values, rows);
  if (!wrong.empty()) Fail("a row for a recommendation: ", wrong);
}

Recommender::Recommender(std::shared_ptr<const FrozenModel> model, std::shared_ptr<const FrozenModel> ranker,
                         std::shared_ptr<const Behaviour> behaviour, const RecommendOptions& options)
    : model_(std::move(model)),
      ranker_(std::move(ranker)),
      behaviour_(std::move(behaviour)),
      options_(options),
      rows_(model_->job(), behaviour_),
      ranker_rows_(ranker_ ? ranker_->job() : model_->job(), behaviour_) {
  const Job& ranking = ranker_ ? ranker_->job() : model_->job();
  std::vector<std::string> tasks;
  for (const Task& task : ranking.task()) tasks.push_back(task.name());
  has_towers_ = model_->job().model().has_two_tower();
  std::string formula = options_.formula;
  if (formula.empty() && (!has_towers_ || ranker_)) formula = tasks[0];
  if (!formula.empty()) formula_.emplace(formula, tasks);
  if (!(options_.diversity_lambda >= 0 && options_.diversity_lambda <= 1))
    Fail("the weight of the score is ", options_.diversity_lambda, ", expected 0 to 1");
  if (options_.diversity_lambda < 1 && !has_towers_)
    Fail("a list is diversified by the items' vectors: expected a model with two_tower, or a weight of 1");
  if (!has_towers_) return;
  FrozenModel::Session session(*model_);
  for (int begin = 0; begin < behaviour_->n_items(); begin += static_cast<int>(kRowsPerRun)) {
    const int end = std::min(begin + static_cast<int>(kRowsPerRun), behaviour_->n_items());
    Rows rows = rows_.NewRows();
    for (int i = begin; i < end; ++i) rows_.Append(-1, i, "", &rows);
    session.Run(rows);
    const TowerVectors vectors = session.vectors().value();
    if (begin == 0) items_.resize(behaviour_->n_items(), vectors.item.cols());
    items_.middleRows(begin, end - begin) = vectors.item;
    temperature_ = vectors.temperature;
  }
  directions_ = items_.rowwise().normalized();
}

Recommender::Session::Session(const Recommender& recommender) : all_(recommender), model_(*recommender.model_) {
  if (recommender.ranker_) ranker_.emplace(*recommender.ranker_);
}

std::vector<int> Recommender::Best(std::span<const int> allowed, size_t n, std::span<const float> scores) const {
  std::vector<int> best(allowed.begin(), allowed.end());
  const auto is_better = [&](int a, int b) {
    const float score_a = scores[static_cast<size_t>(a)];
    const float score_b = scores[static_cast<size_t>(b)];
    return score_a != score_b ? score_a > score_b : a < b;
  };
  n = std::min(n, best.size());
  std::partial_sort(best.begin(), best.begin() + static_cast<std::ptrdiff_t>(n), best.end(), is_better);
  best.resize(n);
  return best;
}

std::vector<Recommended> Recommender::Session::For(int user) {
  std::vector<bool> excluded(static_cast<size_t>(all_.behaviour_->n_items()));
  if (user >= 0 && all_.options_.exclude_seen) {
    for (const Behaviour::Event& event : all_.behaviour_->events(user)) excluded[static_cast<size_t>(event.item)] = true;
  }
  std::vector<int> candidates;
  for (int i = 0; i < all_.behaviour_->n_items(); ++i) {
    if (!excluded[static_cast<size_t>(i)]) candidates.push_back(i);
  }
  const size_t k = static_cast<size_t>(all_.options_.k);
  if (all_.has_towers_) {
    all_.Retrieve(user, this);
    candidates = all_.Best(candidates, std::max(k, static_cast<size_t>(all_.options_.n_candidates)), scores_);
  }
  std::vector<Recommended> list = all_.Rank(user, candidates, this);
  if (all_.options_.diversity_lambda < 1) list = all_.Diversify(std::move(list));
  list.resize(std::min(list.size(), k));
  all_.Explain(user, &list);
  return list;
}

void Recommender::Retrieve(int user, Session* session) const {
  Rows rows = rows_.NewRows();
  rows_.Append(user, -1, behaviour_->HistoryOf(user), &rows);
  session->model_.Run(rows);
  session->scores_.resize(static_cast<size_t>(items_.rows()));
  Eigen::Map<Eigen::VectorXf>(session->scores_.data(), items_.rows()).noalias() =
      items_ * session->model_.vectors().value().user.row(0).transpose() / temperature_;
}

std::vector<Recommended> Recommender::Rank(int user, std::span<const int> candidates, Session* session) const {
  std::vector<Recommended> ranked;
  const std::string history = behaviour_->HistoryOf(user);
  for (size_t begin = 0; begin < candidates.size(); begin += kRowsPerRun) {
    const std::span<const int> now = candidates.subspan(begin, std::min(kRowsPerRun, candidates.size() - begin));
    if (!formula_) {
      for (const int item : now) ranked.push_back({item, session->scores_[static_cast<size_t>(item)], {}});
      continue;
    }
    Rows rows = ranker_rows_.NewRows();
    for (const int item : now) ranker_rows_.Append(user, item, history, &rows);
    FrozenModel::Session& scorer = session->ranker_ ? *session->ranker_ : session->model_;
    scorer.Run(rows);
    const size_t n_tasks = scorer.predictions().size() / now.size();
    for (size_t i = 0; i < now.size(); ++i) {
      const double score = (*formula_)(scorer.predictions().subspan(i * n_tasks, n_tasks));
      // What has no value is worth nothing.
      ranked.push_back({now[i], std::isnan(score) ? -std::numeric_limits<double>::infinity() : score, {}});
    }
  }
  std::stable_sort(ranked.begin(), ranked.end(), [](const Recommended& a, const Recommended& b) {
    return a.score != b.score ? a.score > b.score : a.item < b.item;
  });
  return ranked;
}

/// Scores are brought to 0 to 1 first, so that they can be weighed against cosines. As in the paper, whose likeness is never
/// negative, an item that points the other way is just unlike: otherwise the worst would look the most diverse.
std::vector<Recommended> Recommender::Diversify(std::vector<Recommended> ranked) const {
  double lowest = std::numeric_limits<double>::infinity();
  double highest = -lowest;
  for (const Recommended& one : ranked) {
    if (!std::isfinite(one.score)) continue;
    lowest = std::min(lowest, one.score);
    highest = std::max(highest, one.score);
  }
  const double range = highest > lowest ? highest - lowest : 1;
  std::vector<double> likeness(ranked.size(), 0.0);  // to the nearest in the list, at least 0
  std::vector<bool> taken(ranked.size());
  std::vector<Recommended> list;
  while (list.size() < std::min(ranked.size(), static_cast<size_t>(options_.k))) {
    size_t best = ranked.size();
    double best_value = 0;
    for (size_t i = 0; i < ranked.size(); ++i) {
      if (taken[i]) continue;
      const double score = std::clamp((ranked[i].score - lowest) / range, 0.0, 1.0);
      const double value = options_.diversity_lambda * score - (1 - options_.diversity_lambda) * likeness[i];
      if (best < ranked.size() && value <= best_value) continue;
      best = i;
      best_value = value;
    }
    taken[best] = true;
    for (size_t i = 0; i < ranked.size(); ++i) {
      const double cosine = directions_.row(ranked[i].item).dot(directions_.row(ranked[best].item));
      likeness[i] = std::max(likeness[i], cosine);
    }
    list.push_back(ranked[best]);
  }
  return list;
}

void Recommender::Explain(int user, std::vector<Recommended>* list) const {
  if (!has_towers_ || user < 0) return;
  for (Recommended& one : *list) {
    std::vector<std::pair<float, int>> near;
    for (const Behaviour::Event& event : behaviour_->events(user)) {
      if (event.item == one.item) continue;
      const std::pair<float, int> here = {-directions_.row(one.item).dot(directions_.row(event.item)), event.item};
      if (std::find(near.begin(), near.end(), here) == near.end()) near.push_back(here);
    }
    std::sort(near.begin(), near.end());
    for (size_t i = 0; i < std::min<size_t>(near.size(), 2); ++i) one.because.push_back(near[i].second);
  }
}

}  // namespace zhiyin::worker
