#include "worker/recommend/pair_rows.h"

#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "common/error.h"
#include "worker/data/behaviour_columns.h"
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

/// Computes the towers' vectors of n examples: `append` adds example i, `take` receives the vectors
/// of the examples from `begin` on.
void ForVectors(const saved::FrozenModel& model, const PairRows& rows, int n,
                const std::function<void(int, data::Rows*)>& append,
                const std::function<void(int, const model::TowerVectors&)>& take) {
  saved::FrozenModel::Session session(model);
  for (int begin = 0; begin < n; begin += kRowsPerRun) {
    data::Rows some = rows.NewRows();
    for (int i = begin; i < std::min(begin + kRowsPerRun, n); ++i) append(i, &some);
    session.Run(some);
    take(begin, session.vectors().value());
  }
}

}  // namespace

PairRows::PairRows(const Job& job, std::shared_ptr<const data::Behaviour> behaviour,
                   data::RowParser::Observer observer)
    : behaviour_(std::move(behaviour)) {
  const Data& data = WithBehaviour(job).data();
  const bool same_files = std::equal(
      data.join().begin(), data.join().end(), behaviour_->joins()->config().begin(),
      behaviour_->joins()->config().end(), google::protobuf::util::MessageDifferencer::Equals);
  const std::shared_ptr<const data::Joins> joins =
      same_files ? behaviour_->joins() : data::Joins::Read(data);
  std::vector<std::string> names = {data.behaviour().user(), data.behaviour().item()};
  const auto add = [&](const std::string& name) {
    const bool is_given = joins->HasColumn(name) ||
                          std::find(data::kBehaviourColumns.begin(), data::kBehaviourColumns.end(),
                                    name) != data::kBehaviourColumns.end();
    if (!is_given && !name.starts_with('#') &&
        std::find(names.begin(), names.end(), name) == names.end())
      names.push_back(name);
  };
  for (const Field& field : job.field()) add(field.column());
  for (const Numeric& numeric : job.numeric()) add(numeric.column());
  for (const Join& join : data.join()) add(join.column());
  n_own_ = names.size();
  joins_ = data::Joins::Plan(joins, "the model's job", &names);
  names.insert(names.end(), data::kBehaviourColumns.begin(), data::kBehaviourColumns.end());
  const data::Columns columns = {static_cast<int>(names.size()), names, "the model's job"};
  parser_ = std::make_unique<data::RowParser>(
      job, data::Schema::Of(job, columns, data::LabelUse::kIgnored),
      /*domains=*/data::LabelDomains{}, std::move(observer));
}

void PairRows::Append(int user, int item, std::string_view history, data::Rows* rows) const {
  std::vector<std::string_view> values(n_own_);
  if (user >= 0) values[0] = behaviour_->user(user);
  if (item >= 0) values[1] = behaviour_->item(item);
  joins_.Append(&values);
  values.push_back(history);
  values.emplace_back();  // item_log_share, which is no input of a tower
  const std::string wrong = parser_->Parse(values, rows);
  if (!wrong.empty()) Fail("a row for a recommendation: ", wrong);
}

ItemVectors VectorsOfItems(const saved::FrozenModel& model, const PairRows& rows,
                           const data::Behaviour& behaviour) {
  ItemVectors items;
  ForVectors(
      model, rows, behaviour.n_items(), [&](int i, data::Rows* to) { rows.Append(-1, i, "", to); },
      [&](int begin, const model::TowerVectors& found) {
        if (begin == 0) items.vectors.resize(behaviour.n_items(), found.item.cols());
        items.vectors.middleRows(begin, found.item.rows()) = found.item;
        items.temperature = found.temperature;
      });
  return items;
}

Matrix VectorsOfUsers(const saved::FrozenModel& model, const PairRows& rows,
                      const data::Behaviour& behaviour) {
  Matrix users;
  ForVectors(
      model, rows, behaviour.n_users(),
      [&](int u, data::Rows* to) { rows.Append(u, -1, behaviour.HistoryOf(u), to); },
      [&](int begin, const model::TowerVectors& found) {
        if (begin == 0) users.resize(behaviour.n_users(), found.user.cols());
        users.middleRows(begin, found.user.rows()) = found.user;
      });
  return users;
}

}  // namespace zhiyin::worker::recommend
