#include "launch/apps/serve/served_model.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "common/text.h"
#include "launch/apps/list_json.h"
#include "worker/data/schema.h"

namespace zhiyin::launch::apps {
namespace {

using worker::data::Behaviour;
using worker::data::Rows;
using worker::recommend::Recommended;
using worker::recommend::Recommender;
using worker::saved::FrozenModel;

[[noreturn]] void Refuse(int status, const std::string& what) {
  throw RequestError(status, what);
}

/// Every column that the job reads for its inputs, by name.
std::vector<std::string> InputColumns(const Job& job) {
  std::vector<std::string> names;
  const auto add = [&](const std::string& column, const std::string& name) {
    const std::string& own = column.empty() ? name : column;
    if (own.starts_with('#'))
      Fail("column ", own, " of ", name, " has no name: expected a job that names its columns");
    if (std::find(names.begin(), names.end(), own) == names.end()) names.push_back(own);
  };
  for (const Field& field : job.field()) add(field.column(), field.name());
  for (const Numeric& numeric : job.numeric()) add(numeric.column(), numeric.name());
  return names;
}

/// "an array", "a number".
std::string Kind(const nlohmann::json& value) {
  const std::string name = value.type_name();
  return (name == "array" || name == "object" ? "an " : "a ") + name;
}

/// A value as it would stand in a file; a missing one is empty.
std::string CellText(const nlohmann::json& value, const std::string& where) {
  if (value.is_null()) return "";
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_number())
    Refuse(400, where + ": " + Kind(value) + ", expected text, a number or null");
  if (!value.is_number_float()) return value.dump();
  char text[40];
  return {text, std::to_chars(text, text + sizeof(text), value.get<double>()).ptr};
}

/// The only keys that a request may have.
void CheckKeys(const nlohmann::json& request, std::initializer_list<std::string_view> known) {
  if (!request.is_object()) Refuse(400, Kind(request) + ", expected an object");
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
                         std::shared_ptr<const Behaviour> behaviour,
                         const worker::recommend::RecommendOptions& options,
                         const ServeLimits& limits)
    : model_(std::move(model)),
      behaviour_(std::move(behaviour)),
      max_k_(options.k),
      max_rows_(limits.max_rows),
      columns_(InputColumns(model_->job())),
      sessions_(limits.n_threads),
      recommending_(limits.n_threads) {
  const worker::data::Columns columns = {static_cast<int>(columns_.size()), columns_,
                                         "the model's job"};
  parser_ = std::make_unique<worker::data::RowParser>(
      job(), worker::data::Schema::Of(job(), columns, worker::data::LabelUse::kIgnored),
      /*domains=*/worker::data::LabelDomains{});
  if (behaviour_)
    recommender_ = std::make_unique<Recommender>(model_, std::move(ranker), behaviour_, options);
}

Rows ServedModel::RowsOf(const nlohmann::json& rows) const {
  if (!rows.is_array()) Refuse(400, "rows: " + Kind(rows) + ", expected an array");
  if (rows.empty() || rows.size() > static_cast<size_t>(max_rows_))
    Refuse(400,
           "rows: " + std::to_string(rows.size()) + ", expected 1 to " + std::to_string(max_rows_));
  Rows parsed = parser_->NewRows();
  std::vector<std::string> texts(columns_.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    const std::string where = "rows[" + std::to_string(i) + "]";
    if (!rows[i].is_object()) Refuse(400, where + ": " + Kind(rows[i]) + ", expected an object");
    std::fill(texts.begin(), texts.end(), "");
    for (const auto& [column, value] : rows[i].items()) {
      const auto known = std::find(columns_.begin(), columns_.end(), column);
      if (known == columns_.end())
        Refuse(400, where + ": no column \"" + Shortened(column, 100) +
                        "\" among those of the model's inputs");
      texts[static_cast<size_t>(known - columns_.begin())] = CellText(value, where + "." + column);
    }
    const std::vector<std::string_view> values(texts.begin(), texts.end());
    if (const std::string wrong = parser_->Parse(values, &parsed); !wrong.empty())
      Refuse(400, where + ": " + wrong);
  }
  return parsed;
}

ServedModel::Json ServedModel::Score(const nlohmann::json& request) const {
  CheckKeys(request, {"rows"});
  if (!request.contains("rows")) Refuse(400, "rows is missing, expected an array of objects");
  const Rows rows = RowsOf(request["rows"]);
  return sessions_.With([&] { return std::make_unique<FrozenModel::Session>(*model_); },
                        [&](FrozenModel::Session* session) {
                          session->Run(rows);
                          const std::span<const float> predictions = session->predictions();
                          Json answer = {{"predictions", Json::array()}};
                          const size_t n_tasks = static_cast<size_t>(job().task_size());
                          for (size_t i = 0; i < static_cast<size_t>(rows.n); ++i) {
                            Json row;
                            for (size_t t = 0; t < n_tasks; ++t)
                              row[job().task(static_cast<int>(t)).name()] =
                                  predictions[i * n_tasks + t];
                            answer["predictions"].push_back(std::move(row));
                          }
                          return answer;
                        });
}

ServedModel::Json ServedModel::Recommend(const nlohmann::json& request) const {
  if (!recommender_) Refuse(404, "this model recommends nothing: its job has no data.behaviour");
  CheckKeys(request, {"user", "k"});
  if (!request.contains("user")) Refuse(400, "user is missing, expected text");
  const std::string name = CellText(request["user"], "user");
  int k = max_k_;
  if (request.contains("k")) {
    const nlohmann::json& wanted = request["k"];
    // Unsigned numbers beyond what is signed are large, too.
    if (!wanted.is_number_integer() || wanted < 1 || wanted > max_k_)
      Refuse(400,
             "k: " + Shortened(wanted.dump(), 40) + ", expected 1 to " + std::to_string(max_k_));
    k = wanted.get<int>();
  }
  const int user = behaviour_->FindUser(name);
  if (user < 0) Refuse(404, "no user \"" + Shortened(name, 100) + "\"");
  return recommending_.With([&] { return std::make_unique<Recommender::Session>(*recommender_); },
                            [&](Recommender::Session* session) {
                              std::vector<Recommended> list = session->For(user);
                              list.resize(std::min(list.size(), static_cast<size_t>(k)));
                              return ListJson(*behaviour_, user, list);
                            });
}

}  // namespace zhiyin::launch::apps
