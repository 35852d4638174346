#include "worker/data/generated/columns.h"

#include <glog/logging.h>

namespace zhiyin::worker::data {
namespace {

/// Adds prefix_first, ..., n of them.
void AddNumbered(std::string_view prefix, int first, int n, std::vector<std::string>* columns) {
  for (int i = first; i < first + n; ++i)
    columns->push_back(std::string(prefix) + std::to_string(i));
}

}  // namespace

std::string_view GeneratedName(const Data& data) {
  const auto* field = data.GetReflection()->GetOneofFieldDescriptor(
      data, Data::descriptor()->FindOneofByName("source"));
  if (field == nullptr || !field->name().starts_with("generated_")) return "";
  return field->name();
}

int64_t GeneratedRows(const Data& data) {
  const auto* field = data.GetReflection()->GetOneofFieldDescriptor(
      data, Data::descriptor()->FindOneofByName("source"));
  const google::protobuf::Message& source = data.GetReflection()->GetMessage(data, field);
  return source.GetReflection()->GetInt64(source,
                                          source.GetDescriptor()->FindFieldByName("n_rows"));
}

std::vector<std::string> GeneratedColumns(const Data& data) {
  std::vector<std::string> columns;
  switch (data.source_case()) {
    case Data::kGeneratedRatings:
      columns = {"user_age",     "user_activity", "user_group", "user_region", "item_age",
                 "item_quality", "item_genre",    "item_maker", "item_tags",   "rating"};
      return columns;
    case Data::kGeneratedUniform:
      AddNumbered("category_", 0, data.generated_uniform().n_columns(), &columns);
      AddNumbered("label_", 0, data.generated_uniform().n_labels(), &columns);
      return columns;
    case Data::kGeneratedRelatedTasks:
      AddNumbered("x_", 0, data.generated_related_tasks().n_features(), &columns);
      AddNumbered("y_", 0, 2, &columns);
      return columns;
    case Data::kGeneratedFunnel: {
      const int n_steps = data.generated_funnel().n_steps();
      columns = {"user", "item"};
      AddNumbered("step_", 1, n_steps, &columns);
      AddNumbered("after_", 2, n_steps - 1, &columns);
      AddNumbered("p_", 1, n_steps, &columns);
      return columns;
    }
    case Data::kText:
    case Data::SOURCE_NOT_SET:
      break;
  }
  LOG(FATAL) << "the data is not generated";
}

}  // namespace zhiyin::worker::data
