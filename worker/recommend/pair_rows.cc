#include "worker/recommend/pair_rows.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <utility>

#include "common/error.h"
#include "worker/data/behaviour_columns.h"
#include "worker/data/format/delimited.h"
#include "worker/data/schema.h"

namespace zhiyin::worker::recommend {
namespace {

constexpr int kRowsPerRun = 1024;

const Job& WithBehaviour(const Job& job) {
  if (!job.data().has_behaviour())
    Fail(
        "the model's job has no data.behaviour: expected it, which names the columns of users and "
        "items");
  return job;
}

/// The names of the columns of the model's training files; without them, as in a model of an
/// earlier version, those that the job reads by name.
std::vector<std::string> ColumnsOf(const Job& job, const data::Joins& joins) {
  const Data& data = job.data();
  const auto& trained = data.has_columns() ? data.columns().name() : data.text().column_name();
  if (!trained.empty()) return {trained.begin(), trained.end()};
  std::vector<std::string> names = {data.behaviour().user(), data.behaviour().item()};
  for (const data::ColumnUse& use : data::ColumnUses(job)) {
    const std::string& name = use.column;
    const bool is_added = joins.HasColumn(name) ||
                          std::find(data::kBehaviourColumns.begin(), data::kBehaviourColumns.end(),
                                    name) != data::kBehaviourColumns.end();
    if (use.is_label || is_added || std::find(names.begin(), names.end(), name) != names.end())
      continue;
    if (name.starts_with('#'))
      Fail("the model's job: column \"", name, "\" (", use.user,
           "): the model has no names of its columns, expected one that was trained with them");
    names.push_back(name);
  }
  return names;
}

size_t PositionOf(const std::string& column, const std::vector<std::string>& names) {
  const auto at = std::find(names.begin(), names.end(), column);
  if (at == names.end())
    Fail("the model's job: no column \"", column, "\" (data.behaviour)", Suggestion(column, names));
  return static_cast<size_t>(at - names.begin());
}

/// Computes the towers' vectors of n examples: `append` adds example i, `take` receives the vectors
/// of the examples from `begin` on.
void ForVectors(const saved::FrozenModel& model, const PairRows& rows, int n,
                const std::function<void(int, data::Examples*)>& append,
                const std::function<void(int, const model::TowerVectors&)>& take) {
  saved::FrozenModel::Session session(model);
  for (int begin = 0; begin < n; begin += kRowsPerRun) {
    data::Examples some = rows.NewExamples();
    for (int i = begin; i < std::min(begin + kRowsPerRun, n); ++i) append(i, &some);
    session.Run(some);
    take(begin, session.vectors().value());
  }
}

}  // namespace

std::vector<std::string> ItemsOfHistory(std::string_view value, bool trim) {
  std::vector<std::string> items;
  while (!value.empty()) {
    const size_t n = std::min(value.find('|'), value.size());
    const std::string_view item = trim ? data::TrimSpaces(value.substr(0, n)) : value.substr(0, n);
    if (!item.empty()) items.emplace_back(item);
    value.remove_prefix(std::min(n + 1, value.size()));
  }
  return items;
}

PairRows::PairRows(const Job& job, std::shared_ptr<const data::Behaviour> behaviour,
                   data::ExampleParser::Observer observer)
    : behaviour_(std::move(behaviour)) {
  const Data& data = WithBehaviour(job).data();
  for (const data::ColumnUse& use : data::ColumnUses(job)) {
    reads_history_ |= !use.is_label && use.column == data::kHistoryColumn;
    reads_log_share_ |= !use.is_label && use.column == data::kLogShareColumn;
  }
  const std::shared_ptr<const data::Joins> joins =
      behaviour_->joins()->AreOf(job) ? behaviour_->joins() : data::Joins::Read(job);
  std::vector<std::string> names = ColumnsOf(job, *joins);
  n_own_ = names.size();
  user_column_ = PositionOf(data.behaviour().user(), names);
  item_column_ = PositionOf(data.behaviour().item(), names);
  joins_ = data::Joins::Plan(joins, "the model's job", &names);
  names_ = names;
  names.insert(names.end(), data::kBehaviourColumns.begin(), data::kBehaviourColumns.end());
  const data::Columns columns = {static_cast<int>(names.size()), names, "the model's job"};
  parser_ = std::make_unique<data::ExampleParser>(
      job, data::Schema::Of(job, columns, data::LabelUse::kIgnored),
      /*domains=*/data::LabelDomains{}, std::move(observer));
}

size_t PairRows::PlaceOf(std::string_view column) const {
  const size_t at =
      static_cast<size_t>(std::find(names_.begin(), names_.end(), column) - names_.begin());
  if (at == names_.size()) return at;
  const bool is_user_or_item = at == user_column_ || at == item_column_;
  return is_user_or_item || joins_.RootOf(at) == item_column_ ? names_.size() : at;
}

bool PairRows::TakesOfUser(std::string_view column) const {
  return column == data::kHistoryColumn ? reads_history_ : PlaceOf(column) < names_.size();
}

std::string PairRows::HistoryOf(const AskedUser& user) const {
  return user.history.empty() ? behaviour_->HistoryOf(user.number)
                              : behaviour_->HistoryOf(user.history);
}

std::string PairRows::Parse(const AskedUser& user, int item, std::string_view history,
                            data::Examples* rows) const {
  std::vector<data::Value> values(n_own_);
  if (user.number >= 0 || !user.name.empty())
    values[user_column_] = user.number >= 0 ? behaviour_->user(user.number) : user.name;
  if (item >= 0) values[item_column_] = behaviour_->item(item);
  std::vector<data::Joins::Plan::KnownValue> known;
  for (const auto& [column, value] : user.known) {
    const size_t at = PlaceOf(column);
    if (at < n_own_) {
      values[at] = value;
    } else if (at < names_.size()) {
      known.push_back({at, value});
    }
  }
  joins_.Append(&values, /*lines=*/nullptr, known);
  values.emplace_back(history);
  std::string log_share;
  if (item >= 0 && reads_log_share_) log_share = behaviour_->LogShareOf(behaviour_->item(item));
  values.push_back(log_share.empty() ? data::Value() : data::Value(log_share));
  return parser_->Parse(values, rows);
}

void PairRows::Append(const AskedUser& user, int item, std::string_view history,
                      data::Examples* rows) const {
  const std::string wrong = Parse(user, item, history, rows);
  if (!wrong.empty()) Fail("a row for a recommendation: ", wrong);
}

std::string PairRows::WhatIsWrong(const AskedUser& user) const {
  data::Examples rows = NewExamples();
  return Parse(user, -1, HistoryOf(user), &rows);
}

ItemVectors VectorsOfItems(const saved::FrozenModel& model, const PairRows& rows,
                           const data::Behaviour& behaviour) {
  ItemVectors items;
  ForVectors(
      model, rows, behaviour.n_items(),
      [&](int i, data::Examples* to) { rows.Append(-1, i, "", to); },
      [&](int begin, const model::TowerVectors& found) {
        if (begin == 0) items.vectors.resize(behaviour.n_items(), found.item.cols());
        items.vectors.middleRows(begin, found.item.rows()) = found.item;
        items.temperature = found.temperature;
      });
  return items;
}

Matrix VectorsOfUsers(const saved::FrozenModel& model, const PairRows& rows,
                      const data::Behaviour& behaviour, std::span<const int> users) {
  const int n = static_cast<int>(users.size());
  Matrix vectors;
  ForVectors(
      model, rows, n,
      [&](int i, data::Examples* to) {
        const int user = users[static_cast<size_t>(i)];
        rows.Append(user, -1, behaviour.HistoryOf(user), to);
      },
      [&](int begin, const model::TowerVectors& found) {
        if (begin == 0) vectors.resize(n, found.user.cols());
        vectors.middleRows(begin, found.user.rows()) = found.user;
      });
  return vectors;
}

Matrix VectorsOfUsers(const saved::FrozenModel& model, const PairRows& rows,
                      const data::Behaviour& behaviour) {
  std::vector<int> users(static_cast<size_t>(behaviour.n_users()));
  std::iota(users.begin(), users.end(), 0);
  return VectorsOfUsers(model, rows, behaviour, users);
}

}  // namespace zhiyin::worker::recommend
