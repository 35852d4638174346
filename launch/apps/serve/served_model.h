// A trained model that answers requests in JSON.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/error.h"
#include "worker/data/behaviour.h"
#include "worker/data/row_parser.h"
#include "worker/recommend/recommender.h"
#include "worker/saved/frozen_model.h"

namespace zhiyin::launch::apps {

/// What is wrong with a request, and the HTTP status that says so.
class RequestError : public Error {
 public:
  RequestError(int status, const std::string& what) : Error(what), status_(status) {}
  int status() const { return status_; }

 private:
  int status_;
};

/// Objects that one thread uses at a time, at most so many. Thread-safe.
template <typename T>
class Pool {
 public:
  explicit Pool(int n_most) : n_left_(n_most) {}

  /// use(object), which make() has made, now or earlier. Throws RequestError 503 when none is free
  /// for long.
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

  /// Null: there is none yet.
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
  int n_threads = 1;  // that compute at a time
  int max_rows = 1000;
};

/// Immutable; any number of threads. Answers throw RequestError.
class ServedModel {
 public:
  using Json = nlohmann::ordered_json;

  /// `ranker`: as for a Recommender, may be null. `behaviour`: of the model's job, where it has
  /// data.behaviour; null otherwise, and then nothing is recommended. options.k is the longest list
  /// that may be asked for. Throws Error as Recommender does.
  ServedModel(std::shared_ptr<const worker::saved::FrozenModel> model,
              std::shared_ptr<const worker::saved::FrozenModel> ranker,
              std::shared_ptr<const worker::data::Behaviour> behaviour,
              const worker::recommend::RecommendOptions& options, const ServeLimits& limits);

  const std::shared_ptr<const worker::data::Behaviour>& behaviour() const { return behaviour_; }
  const Job& job() const { return model_->job(); }

  /// {"rows": [{COLUMN: text, number or null, ...}, ...]} to {"predictions": [{TASK: number, ...},
  /// ...]}. Columns are those of the training files; one that is left out is a missing value.
  Json Score(const nlohmann::json& request) const;
  /// {"user": text, "k": number} to what `zhiyin recommend --format=jsonl` writes of the user.
  Json Recommend(const nlohmann::json& request) const;

 private:
  worker::data::Rows RowsOf(const nlohmann::json& rows) const;

  std::shared_ptr<const worker::saved::FrozenModel> model_;
  std::shared_ptr<const worker::data::Behaviour> behaviour_;
  int max_k_;
  int max_rows_;
  std::vector<std::string> columns_;
  std::unique_ptr<worker::data::RowParser> parser_;
  std::unique_ptr<worker::recommend::Recommender> recommender_;  // null without behaviour
  mutable Pool<worker::saved::FrozenModel::Session> sessions_;
  mutable Pool<worker::recommend::Recommender::Session> recommending_;
};

}  // namespace zhiyin::launch::apps
