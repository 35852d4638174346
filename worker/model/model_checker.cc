#include "worker/model/model_checker.h"

#include <algorithm>

#include "worker/model/loss/loss.h"

namespace zhiyin::worker::model {

using config::ConfigPath;

ModelChecker::ModelChecker(const config::Checker& base, const Job& job)
    : config::Checker(base),
      job_(job),
      wide_(job.model().wide().field().begin(), job.model().wide().field().end()) {
  for (const Field& field : job.field()) fields_.emplace(field.name(), &field);
}

void ModelChecker::CheckWidths(const ConfigPath& path, const char* name,
                               const google::protobuf::RepeatedField<int32_t>& widths,
                               int at_least) const {
  if (widths.size() < at_least) Fail(path, name, " has no layer, expected at least ", at_least);
  if (widths.size() > kMaxLayers)
    Fail(path(name, kMaxLayers), "is layer ", kMaxLayers + 1, ", expected at most ", kMaxLayers);
  for (int i = 0; i < widths.size(); ++i) CheckRange(path(name, i), widths.Get(i), 1, kMaxWidth);
}

void ModelChecker::CheckExperts(const ConfigPath& path, int n_shared, int n_own) const {
  CheckRange(path("shared_experts"), n_shared, 1, kMaxExperts);
  CheckRange(path("task_experts"), n_own, 1, kMaxExperts);
  const int64_t n_all = n_shared + int64_t{n_own} * job_.task_size();
  if (n_all > kMaxExperts) {
    Fail(path("task_experts"), "is ", n_own, " for each of ", job_.task_size(),
         " tasks, which makes ", n_all, " experts with the shared ones, expected at most ",
         kMaxExperts);
  }
}

const Field& ModelChecker::FieldNamed(const ConfigPath& path, const std::string& name) const {
  const auto field = fields_.find(name);
  if (field != fields_.end()) return *field->second;
  std::vector<std::string> names;
  for (const Field& known : job_.field()) names.push_back(known.name());
  FailUnknown(path, "field", name, names);
}

const Numeric& ModelChecker::NumericNamed(const ConfigPath& path, const std::string& name) const {
  std::vector<std::string> names;
  for (const Numeric& numeric : job_.numeric()) {
    if (numeric.name() == name) return numeric;
    names.push_back(numeric.name());
  }
  FailUnknown(path, "numeric", name, names);
}

int ModelChecker::TaskNamed(const ConfigPath& path, const std::string& name) const {
  std::vector<std::string> names;
  for (const Task& task : job_.task()) {
    if (task.name() == name) return static_cast<int>(names.size());
    names.push_back(task.name());
  }
  FailUnknown(path, "task", name, names);
}

int ModelChecker::DimOf(const Field& field) const {
  for (const Table& table : job_.table()) {
    if (table.name() == field.table()) return table.dim();
  }
  return 0;
}

void ModelChecker::CheckNotWide(const ConfigPath& path, const std::string& field) const {
  if (IsWide(field)) {
    Fail(path, "\"", field, "\" is a field of model.wide, expected one that the network reads");
  }
}

std::vector<const Field*> ModelChecker::ChosenFields(
    const ConfigPath& path, const google::protobuf::RepeatedPtrField<std::string>& names) const {
  std::vector<const Field*> fields;
  std::set<std::string> taken;
  for (int i = 0; i < names.size(); ++i) {
    fields.push_back(&FieldNamed(path("field", i), names.Get(i)));
    if (!taken.insert(names.Get(i)).second)
      Fail(path("field", i), "\"", names.Get(i), "\" is named by an earlier one");
    CheckNotWide(path("field", i), names.Get(i));
  }
  for (const Field& field : job_.field()) {
    if (names.empty() && !IsWide(field.name())) fields.push_back(&field);
  }
  if (fields.size() < 2) Fail(path, "has ", fields.size(), " fields, expected at least 2");
  return fields;
}

void ModelChecker::CheckSameDim(
    const ConfigPath& path, const google::protobuf::RepeatedPtrField<std::string>& names) const {
  const std::vector<const Field*> fields = ChosenFields(path, names);
  for (const Field* field : fields) {
    if (DimOf(*field) != DimOf(*fields[0])) {
      Fail(path, "field \"", field->name(), "\" has dim ", DimOf(*field), ", expected that of \"",
           fields[0]->name(), "\", ", DimOf(*fields[0]));
    }
  }
}

int ModelChecker::n_columns() const {
  int n = job_.numeric_size();
  for (const Field& field : job_.field()) n += IsWide(field.name()) ? 0 : DimOf(field);
  return n;
}

void ModelChecker::CheckPlainFields(const char* kind) const {
  const ConfigPath model = model_path();
  const auto refuse = [&](const ConfigPath& path) {
    Fail(path, "means nothing to ", kind, ", which reads the fields' rows, expected none");
  };
  if (job_.model().interaction_size() > 0) refuse(model("interaction", 0));
  if (job_.model().sequence_size() > 0)
    Fail(model("sequence", 0), "means nothing to ", kind, ", expected fields that are pooled");
  if (job_.model().has_gates()) refuse(model("gates"));
  if (job_.model().has_wide()) refuse(model("wide"));
}

void ModelChecker::CheckParts(int n_parts, const char* which) const {
  for (int i = 0; i < job_.table_size(); ++i) {
    if (job_.table(i).dim() % n_parts != 0) {
      Fail(root()("table", i)("dim"), "is ", job_.table(i).dim(), ", expected a multiple of ",
           n_parts, ": a row is ", which, ", of the same width");
    }
  }
}

void ModelChecker::CheckSeveralTasks(const ConfigPath& path) const {
  if (job_.task_size() < 2) Fail(path, "the job has one task, expected at least 2");
}

void ModelChecker::CheckProbability(const ConfigPath& path, int task, const char* why) const {
  if (loss::PredictionOf(job_.task(task)) == loss::PredictionKind::kProbability) return;
  Fail(path, "task \"", job_.task(task).name(), "\" has another loss, expected ",
       loss::NamesOfLosses(loss::PredictionKind::kProbability), ": ", why);
}

}  // namespace zhiyin::worker::model
