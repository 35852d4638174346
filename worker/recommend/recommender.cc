#include "worker/recommend/recommender.h"

#include <glog/logging.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <numeric>
#include <utility>

#include "common/error.h"
#include "common/random.h"

namespace zhiyin::worker::recommend {
namespace {

constexpr size_t kCandidatesPerRun = 1024;
/// Users that the recall of a graph is measured on.
constexpr size_t kRecallUsers = 100;
constexpr uint64_t kRecallSeed = 1;

size_t NumExcluded(const std::vector<bool>& excluded) {
  return static_cast<size_t>(std::count(excluded.begin(), excluded.end(), true));
}

}  // namespace

CandidateItems::CandidateItems(const data::Behaviour& behaviour, const RecommendOptions& options)
    : behaviour_(behaviour),
      exclude_seen_(options.exclude_seen),
      is_excluded_(static_cast<size_t>(behaviour.n_items()), !options.only_items.empty()) {
  for (const int item : options.only_items) is_excluded_[static_cast<size_t>(item)] = false;
}

std::vector<bool> CandidateItems::ExcludedFor(int user) const {
  std::vector<bool> excluded = is_excluded_;
  if (user < 0 || !exclude_seen_) return excluded;
  // What the test split has is left in, so that lists can be measured by it.
  for (const auto& events : {behaviour_.events(user), behaviour_.held_out_for_validation(user)}) {
    for (const int item : events) excluded[static_cast<size_t>(item)] = true;
  }
  return excluded;
}

int64_t CandidateItems::n() const {
  return std::count(is_excluded_.begin(), is_excluded_.end(), false);
}

Recommender::Recommender(std::shared_ptr<const saved::FrozenModel> model,
                         std::shared_ptr<const saved::FrozenModel> ranker,
                         std::shared_ptr<const data::Behaviour> behaviour,
                         const RecommendOptions& options)
    : model_(std::move(model)),
      ranker_(std::move(ranker)),
      behaviour_(std::move(behaviour)),
      options_(options),
      rows_(model_->job(), behaviour_),
      ranker_rows_(ranker_ ? ranker_->job() : model_->job(), behaviour_),
      candidates_(*behaviour_, options_) {
  const Job& ranking = ranker_ ? ranker_->job() : model_->job();
  std::vector<std::string> tasks;
  for (const Task& task : ranking.task()) tasks.push_back(task.name());
  const bool has_towers = model_->job().model().has_two_tower();
  std::string formula = options_.formula;
  if (formula.empty() && (!has_towers || ranker_)) formula = tasks[0];
  if (!formula.empty()) formula_.emplace(formula, tasks);
  if (!(options_.diversity_lambda >= 0 && options_.diversity_lambda <= 1))
    Fail("the weight of the score is ", options_.diversity_lambda, ", expected 0 to 1");
  if (options_.diversity_lambda < 1 && !has_towers)
    Fail(
        "a list is diversified by the items' vectors: expected a model with two_tower, or a weight "
        "of 1");
  if (options_.approximate && !has_towers)
    Fail("an approximate search needs items' vectors: expected a model with two_tower");
  if (!has_towers) return;
  items_ = VectorsOfItems(*model_, rows_, *behaviour_);
  directions_ = items_.vectors.rowwise().normalized();
  index_ = MakeScan(items_.vectors);
  if (options_.approximate) TryGraph();
}

double Recommender::RecallOn(const HnswIndex& graph, std::span<const int> users) const {
  const Matrix vectors = VectorsOfUsers(*model_, rows_, *behaviour_, users);
  double sum = 0;
  for (size_t i = 0; i < users.size(); ++i) {
    const std::vector<bool> excluded = candidates_.ExcludedFor(users[i]);
    const size_t n_excluded = NumExcluded(excluded);
    const float* const vector = vectors.row(static_cast<Eigen::Index>(i)).data();
    sum += RecallOf(graph.Best(vector, NumRetrieved(), excluded, n_excluded),
                    index_->Best(vector, NumRetrieved(), excluded, n_excluded));
  }
  return sum / static_cast<double>(users.size());
}

void Recommender::TryGraph() {
  std::unique_ptr<HnswIndex> graph = MakeHnsw(items_.vectors, options_.hnsw);
  std::vector<int> users(static_cast<size_t>(behaviour_->n_users()));
  std::iota(users.begin(), users.end(), 0);
  Random(kRecallSeed).Shuffle(std::span(users));
  users.resize(std::min(users.size(), kRecallUsers));
  if (users.empty()) return;
  const double recall = RecallOn(*graph, users);
  char text[160];
  std::snprintf(text, sizeof(text),
                "--index=hnsw finds %.3f of the best %zu items, measured on %zu users", recall,
                NumRetrieved(), users.size());
  about_index_ = text;
  if (recall >= options_.min_recall) {
    index_ = std::move(graph);
    return;
  }
  std::snprintf(text, sizeof(text),
                ", expected at least --min_recall=%g: all items are scanned (a larger "
                "--search_width finds more)",
                options_.min_recall);
  about_index_ += text;
}

std::string Recommender::WhatIsWrong(const AskedUser& user) const {
  const std::string wrong = rows_.WhatIsWrong(user);
  return wrong.empty() ? ranker_rows_.WhatIsWrong(user) : wrong;
}

Recommender::Session::Session(const Recommender& recommender)
    : all_(recommender), model_(*recommender.model_) {
  if (recommender.ranker_) ranker_.emplace(*recommender.ranker_);
}

std::vector<ScoredItem> Recommender::Session::Candidates(const AskedUser& user) {
  const data::Behaviour& behaviour = *all_.behaviour_;
  std::vector<bool> excluded = all_.candidates_.ExcludedFor(user.number);
  if (all_.options_.exclude_seen && !user.history.empty()) {
    for (const int item : all_.ItemsOf(user)) excluded[static_cast<size_t>(item)] = true;
  }
  std::vector<ScoredItem> candidates;
  if (!all_.index_) {
    for (int i = 0; i < behaviour.n_items(); ++i) {
      if (!excluded[static_cast<size_t>(i)]) candidates.push_back({i, 0});
    }
    return candidates;
  }
  data::Examples rows = all_.rows_.NewExamples();
  all_.rows_.Append(user, -1, all_.rows_.HistoryOf(user), &rows);
  model_.Run(rows);
  candidates = all_.index_->Best(model_.vectors().value().user.row(0).data(), all_.NumRetrieved(),
                                 excluded, NumExcluded(excluded));
  for (ScoredItem& one : candidates) one.score /= all_.items_.temperature;
  return candidates;
}

std::vector<Recommended> Recommender::Session::For(const AskedUser& user) {
  std::vector<Recommended> list = all_.Rank(user, Candidates(user), this);
  if (all_.options_.diversity_lambda < 1) list = all_.Diversify(std::move(list));
  list.resize(std::min(list.size(), static_cast<size_t>(all_.options_.k)));
  all_.Explain(user, &list);
  return list;
}

std::vector<Recommended> Recommender::Rank(const AskedUser& user,
                                           std::span<const ScoredItem> candidates,
                                           Session* session) const {
  std::vector<Recommended> ranked;
  const std::string history = ranker_rows_.HistoryOf(user);
  for (size_t begin = 0; begin < candidates.size(); begin += kCandidatesPerRun) {
    const std::span<const ScoredItem> now =
        candidates.subspan(begin, std::min(kCandidatesPerRun, candidates.size() - begin));
    if (!formula_) {
      for (const ScoredItem& one : now) ranked.push_back({one.item, one.score, {}});
      continue;
    }
    data::Examples rows = ranker_rows_.NewExamples();
    for (const ScoredItem& one : now) ranker_rows_.Append(user, one.item, history, &rows);
    saved::FrozenModel::Session& scorer = session->ranker_ ? *session->ranker_ : session->model_;
    scorer.Run(rows);
    const size_t n_tasks = scorer.predictions().size() / now.size();
    for (size_t i = 0; i < now.size(); ++i) {
      const double score = (*formula_)(scorer.predictions().subspan(i * n_tasks, n_tasks));
      // An undefined score ranks last.
      ranked.push_back(
          {now[i].item, std::isnan(score) ? -std::numeric_limits<double>::infinity() : score, {}});
    }
  }
  std::stable_sort(ranked.begin(), ranked.end(), [](const Recommended& a, const Recommended& b) {
    return a.score != b.score ? a.score > b.score : a.item < b.item;
  });
  return ranked;
}

/// Scores are scaled to [0, 1], so that they can be weighed against cosines. Negative cosines count
/// as 0, as in the paper, whose similarity is never negative: otherwise the worst items would look
/// the most diverse.
std::vector<Recommended> Recommender::Diversify(std::vector<Recommended> ranked) const {
  double lowest = std::numeric_limits<double>::infinity();
  double highest = -lowest;
  for (const Recommended& one : ranked) {
    if (!std::isfinite(one.score)) continue;
    lowest = std::min(lowest, one.score);
    highest = std::max(highest, one.score);
  }
  const double range = highest > lowest ? highest - lowest : 1;
  std::vector<double> likeness(ranked.size(),
                               0.0);  // to the most similar item in the list, at least 0
  std::vector<bool> taken(ranked.size());
  std::vector<Recommended> list;
  while (list.size() < std::min(ranked.size(), static_cast<size_t>(options_.k))) {
    size_t best = ranked.size();
    double best_value = 0;
    for (size_t i = 0; i < ranked.size(); ++i) {
      if (taken[i]) continue;
      const double score = std::clamp((ranked[i].score - lowest) / range, 0.0, 1.0);
      const double value =
          options_.diversity_lambda * score - (1 - options_.diversity_lambda) * likeness[i];
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

std::vector<int> Recommender::ItemsOf(const AskedUser& user) const {
  std::vector<int> items;
  for (const std::string& name : user.history) {
    if (const int item = behaviour_->FindItem(name); item >= 0) items.push_back(item);
  }
  if (!user.history.empty() || user.number < 0) return items;
  const std::span<const int> events = behaviour_->events(user.number);
  items.assign(events.begin(), events.end());
  return items;
}

void Recommender::Explain(const AskedUser& user, std::vector<Recommended>* list) const {
  if (!index_) return;
  // A user may have a hundred thousand events, many of them with one item.
  std::vector<int> items = ItemsOf(user);
  std::sort(items.begin(), items.end());
  items.erase(std::unique(items.begin(), items.end()), items.end());
  for (Recommended& one : *list) {
    std::vector<std::pair<float, int>> near;
    for (const int item : items) {
      if (item == one.item) continue;
      near.emplace_back(-directions_.row(one.item).dot(directions_.row(item)), item);
    }
    const size_t n = std::min<size_t>(near.size(), 2);
    std::partial_sort(near.begin(), near.begin() + static_cast<std::ptrdiff_t>(n), near.end());
    for (size_t i = 0; i < n; ++i) one.because.push_back(near[i].second);
  }
}

}  // namespace zhiyin::worker::recommend
