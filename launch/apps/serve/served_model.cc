#include "launch/apps/serve/served_model.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "common/text.h"
#include "launch/apps/list_json.h"
#include "worker/data/behaviour_columns.h"
#include "worker/data/unpredicted.h"

namespace zhiyin::launch::apps {
namespace {

using worker::data::Examples;
using worker::recommend::AskedUser;
using worker::recommend::Recommended;
using worker::recommend::Recommender;
using worker::saved::FrozenModel;

[[noreturn]] void Refuse(int status, const std::string& what) {
  throw RequestError(status, what);
}

/// The only keys that a request may have.
void CheckKeys(const nlohmann::json& request, std::initializer_list<std::string_view> known) {
  if (!request.is_object()) Refuse(400, KindOf(request) + ", expected an object");
  for (const auto& [key, value] : request.items()) {
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      std::string all;
      for (const std::string_view name : known)
        all += (all.empty() ? "" : ", ") + std::string(name);
      Refuse(400, "\"" + Shortened(key, 100) + "\" means nothing here, expected " + all);
    }
  }
}

}  // namespace

ServedModel::ServedModel(std::shared_ptr<const FrozenModel> model,
                         std::shared_ptr<const FrozenModel> ranker,
                         const worker::data::SideInputs& side,
                         const worker::recommend::RecommendOptions& options,
                         const ServeLimits& limits)
    : model_(std::move(model)),
      behaviour_(side.behaviour),
      max_k_(options.k),
      rows_(model_->job(), side, limits.max_rows),
      sessions_(limits.n_threads),
      recommending_(limits.n_threads) {
  if (behaviour_)
    recommender_ = std::make_unique<Recommender>(model_, std::move(ranker), behaviour_, options);
}

ServedModel::Json ServedModel::ScoreJson(const Examples& rows, size_t example,
                                         std::span<const float> predictions) const {
  Json row;
  for (size_t t = 0; t < predictions.size(); ++t) {
    const std::string& task = job().task(static_cast<int>(t)).name();
    if (!std::isfinite(predictions[t])) {
      return {{"error", "rows[" + std::to_string(example) + "]: no finite prediction of " + task +
                            ": " +
                            worker::data::DescribeExtreme(job(), model_->normalizer(), rows,
                                                          static_cast<int64_t>(example))}};
    }
    row[task] = predictions[t];
  }
  return row;
}

ServedModel::Json ServedModel::Score(const nlohmann::json& request) const {
  CheckKeys(request, {"rows"});
  if (!request.contains("rows")) Refuse(400, "rows is missing, expected an array of objects");
  const Examples rows = rows_.Of(request["rows"]);
  return sessions_.With([&] { return std::make_unique<FrozenModel::Session>(*model_); },
                        [&](FrozenModel::Session* session) {
                          session->Run(rows);
                          const std::span<const float> predictions = session->predictions();
                          Json answer = {{"predictions", Json::array()}};
                          const size_t n_tasks = static_cast<size_t>(job().task_size());
                          for (size_t i = 0; i < static_cast<size_t>(rows.n); ++i) {
                            answer["predictions"].push_back(
                                ScoreJson(rows, i, predictions.subspan(i * n_tasks, n_tasks)));
                          }
                          return answer;
                        });
}

std::vector<std::string> ServedModel::HistoryIn(const nlohmann::json& value) const {
  const std::string where = "columns." + std::string(worker::data::kHistoryColumn);
  const bool trim = job().data().text().trim();
  if (!value.is_array()) return worker::recommend::ItemsOfHistory(rows_.Value(value, where), trim);
  std::vector<std::string> items;
  for (size_t i = 0; i < value.size(); ++i) {
    const std::string at = where + "[" + std::to_string(i) + "]";
    std::string item = rows_.Value(value[i], at);
    if (item.find('|') != std::string::npos)
      Refuse(400, at + ": \"" + Shortened(item, 100) + "\", expected an item, without \"|\"");
    if (!item.empty()) items.push_back(std::move(item));
  }
  return items;
}

AskedUser ServedModel::AskedBy(const nlohmann::json& request) const {
  if (!request.contains("user")) Refuse(400, "user is missing, expected text");
  AskedUser user;
  user.name = rows_.Value(request["user"], "user");
  user.number = behaviour_->FindUser(user.name);
  if (request.contains("columns")) {
    const nlohmann::json& columns = request["columns"];
    if (!columns.is_object()) Refuse(400, "columns: " + KindOf(columns) + ", expected an object");
    for (const auto& [column, value] : columns.items()) {
      if (!recommender_->TakesOfUser(column))
        Refuse(400, "columns: \"" + Shortened(column, 100) +
                        "\" is none that the model reads of a user");
      if (column == worker::data::kHistoryColumn) {
        user.history = HistoryIn(value);
        continue;
      }
      std::string text = rows_.Value(value, "columns." + column);
      if (!text.empty()) user.known.emplace_back(column, std::move(text));
    }
  }
  if (user.IsUnknown()) Refuse(404, "no user \"" + Shortened(user.name, 100) + "\"");
  if (user.known.empty() && user.history.empty()) return user;
  if (const std::string wrong = recommender_->WhatIsWrong(user); !wrong.empty())
    Refuse(400, "columns: " + wrong);
  return user;
}

ServedModel::Json ServedModel::Recommend(const nlohmann::json& request) const {
  if (!recommender_) Refuse(404, "this model recommends nothing: its job has no data.behaviour");
  CheckKeys(request, {"user", "k", "columns"});
  int k = max_k_;
  if (request.contains("k")) {
    const nlohmann::json& wanted = request["k"];
    // Unsigned numbers beyond what is signed are large, too.
    if (!wanted.is_number_integer() || wanted < 1 || wanted > max_k_)
      Refuse(400,
             "k: " + Shortened(wanted.dump(), 40) + ", expected 1 to " + std::to_string(max_k_));
    k = wanted.get<int>();
  }
  const AskedUser user = AskedBy(request);
  return recommending_.With([&] { return std::make_unique<Recommender::Session>(*recommender_); },
                            [&](Recommender::Session* session) {
                              std::vector<Recommended> list = session->For(user);
                              list.resize(std::min(list.size(), static_cast<size_t>(k)));
                              return ListJson(*behaviour_, user.name, list);
                            });
}

}  // namespace zhiyin::launch::apps
