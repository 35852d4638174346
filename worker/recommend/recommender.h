// What to show a user next: retrieve, rank, combine, exclude, diversify, explain.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/matrix.h"
#include "worker/data/behaviour.h"
#include "worker/data/row_parser.h"
#include "worker/recommend/formula.h"
#include "worker/recommend/frozen_model.h"

namespace zhiyin::worker {

struct RecommendOptions {
  int k = 10;
  /// Of a model with two towers: items that the formula ranks. Other models rank all items.
  int n_candidates = 200;
  /// Of task names; empty: the score of the towers, or the prediction of the first task.
  std::string formula{};
  /// Leave out items that the user has an event with.
  bool exclude_seen = true;
  /// Weight of the score against the likeness to items already in the list, 0 to 1; 1: the order of the scores (maximal
  /// marginal relevance, Carbonell and Goldstein, SIGIR 1998). Less than 1 needs two towers.
  double diversity_lambda = 1;
};

struct Recommended {
  int item = 0;      // of the Behaviour
  double score = 0;  // of the formula
  /// Of the user's items the nearest, by the cosine of their vectors, at most two; empty without two towers.
  std::vector<int> because;
};

/// Knows the items that the model's training files name. Made once; then any number of threads, each with a Session of its own.
class Recommender {
 public:
  /// `ranker` gives the predictions that the formula takes; null: the model itself. Its job may have other columns of the same
  /// events' users and items, but no columns besides the user, the item and those that data.behaviour gives: others are
  /// missing values here. Throws Error where a job has no data.behaviour, and for options that make no sense.
  Recommender(std::shared_ptr<const FrozenModel> model, std::shared_ptr<const FrozenModel> ranker,
              std::shared_ptr<const Behaviour> behaviour, const RecommendOptions& options);

  const Behaviour& behaviour() const { return *behaviour_; }

  class Session {
   public:
    explicit Session(const Recommender& recommender);
    /// A list of at most k items, best first; of equal scores the item that appeared first. -1 is a user without events.
    std::vector<Recommended> For(int user);

   private:
    friend class Recommender;
    const Recommender& all_;
    FrozenModel::Session model_;
    std::optional<FrozenModel::Session> ranker_;
    std::vector<float> scores_;  // [items]
  };

 private:
  /// Rows of a job from a user and an item.
  class RowMaker {
   public:
    RowMaker(const Job& job, std::shared_ptr<const Behaviour> behaviour);
    Rows NewRows() const { return parser_->NewRows(); }
    void Append(int user, int item, std::string_view history, Rows* rows) const;

   private:
    std::shared_ptr<const Behaviour> behaviour_;
    std::vector<std::string> names_;
    size_t user_ = 0;
    size_t item_ = 0;
    std::unique_ptr<RowParser> parser_;
  };

  /// scores [items] by retrieval alone: of the towers.
  void Retrieve(int user, Session* session) const;
  std::vector<Recommended> Rank(int user, std::span<const int> candidates, Session* session) const;
  std::vector<Recommended> Diversify(std::vector<Recommended> ranked) const;
  void Explain(int user, std::vector<Recommended>* list) const;
  std::vector<int> Best(std::span<const int> allowed, size_t n, std::span<const float> scores) const;

  std::shared_ptr<const FrozenModel> model_;
  std::shared_ptr<const FrozenModel> ranker_;
  std::shared_ptr<const Behaviour> behaviour_;
  RecommendOptions options_;
  RowMaker rows_;
  RowMaker ranker_rows_;
  std::optional<Formula> formula_;
  bool has_towers_ = false;
  Matrix items_;       // [items, dim]
  Matrix directions_;  // the same, of length 1
  float temperature_ = 1;
};

}  // namespace zhiyin::worker
