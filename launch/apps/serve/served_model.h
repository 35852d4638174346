// A trained model that answers requests in JSON.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "launch/apps/serve/request_json.h"
#include "launch/apps/serve/request_rows.h"
#include "worker/data/behaviour.h"
#include "worker/data/side_inputs.h"
#include "worker/recommend/recommender.h"
#include "worker/saved/frozen_model.h"

namespace zhiyin::launch::apps {

/// A pool of at most n_most objects, each used by one thread at a time. Thread-safe.
template <typename T>
class Pool {
 public:
  explicit Pool(int n_most) : n_left_(n_most) {}

  /// Returns use(object) for a free object of the pool, or for one that make() returns if there are
  /// not n_most yet. Throws RequestError 503 when no object becomes free within five seconds.
  template <typename Make, typename Use>
  auto With(const Make& make, const Use& use) {
    std::unique_ptr<T> object = Take();
    const GiveBack give_back{this, &object};
    if (!object) object = make();
    return use(object.get());
  }

 private:
  struct GiveBack {
    Pool* pool;
    std::unique_ptr<T>* object;
    ~GiveBack() {
      std::lock_guard lock(pool->mutex_);
      if (*object) pool->free_.push_back(std::move(*object));
      ++pool->n_left_;
      pool->changed_.notify_one();
    }
  };

  /// Takes a free object. Returns nullptr if the caller shall make one.
  std::unique_ptr<T> Take() {
    constexpr std::chrono::seconds kPatience(5);
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, kPatience, [&] { return n_left_ > 0; }))
      throw RequestError(503, "too many requests at a time, try again");
    --n_left_;
    if (free_.empty()) return nullptr;
    std::unique_ptr<T> object = std::move(free_.back());
    free_.pop_back();
    return object;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  int n_left_;
  std::vector<std::unique_ptr<T>> free_;
};

struct ServeLimits {
  int n_threads = 1;    // the most requests that are computed at a time
  int max_rows = 1000;  // the most examples of a request
};

/// A model that answers requests. Immutable: used by any number of threads at once.
class ServedModel {
 public:
  using Json = nlohmann::ordered_json;

  /// `ranker`: see Recommender; may be nullptr. `side` is what the model's job has; without
  /// data.behaviour Recommend always throws. options.k is the length of the longest list of a
  /// request. Throws Error as Recommender does.
  ServedModel(std::shared_ptr<const worker::saved::FrozenModel> model,
              std::shared_ptr<const worker::saved::FrozenModel> ranker,
              const worker::data::SideInputs& side,
              const worker::recommend::RecommendOptions& options, const ServeLimits& limits);

  const Job& job() const { return model_->job(); }
  /// Recommender::about_index(); "" without behaviour.
  std::string about_index() const { return recommender_ ? recommender_->about_index() : ""; }

  /// Computes predictions for examples. Request: {"rows": [{COLUMN: text, number or null, ...},
  /// ...]}, as RequestRows reads them. Answer: {"predictions": [{TASK: number, ...}, ...]}, with
  /// {"error": text} in place of a row for which the model has no finite prediction. Throws
  /// RequestError on a request of another form.
  Json Score(const nlohmann::json& request) const;
  /// Makes a list for a user. Request: {"user": text, "k": number, "columns": {COLUMN: text, number
  /// or null, ...}}. Answer: the line that `zhiyin recommend --format=jsonl` writes for the user.
  /// The columns say what is known of the user (AskedUser::known), who need not be in the training
  /// files then; `history` may also be an array of items. Throws RequestError on a request of
  /// another form.
  Json Recommend(const nlohmann::json& request) const;

 private:
  /// The items of a history: of an array of items, or of a text with "|" between them.
  std::vector<std::string> HistoryIn(const nlohmann::json& value) const;
  /// The user whom a request for a list asks for.
  worker::recommend::AskedUser AskedBy(const nlohmann::json& request) const;
  /// The answer for an example, whose predictions are [n_tasks].
  Json ScoreJson(const worker::data::Examples& rows, size_t example,
                 std::span<const float> predictions) const;

  std::shared_ptr<const worker::saved::FrozenModel> model_;
  std::shared_ptr<const worker::data::Behaviour> behaviour_;
  int max_k_;
  RequestRows rows_;
  std::unique_ptr<worker::recommend::Recommender> recommender_;  // null without behaviour
  mutable Pool<worker::saved::FrozenModel::Session> sessions_;
  mutable Pool<worker::recommend::Recommender::Session> recommending_;
};

}  // namespace zhiyin::launch::apps
