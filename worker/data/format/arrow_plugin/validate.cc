#include "worker/data/format/arrow_plugin/validate.h"

#include <arrow/array.h>
#include <arrow/extension_type.h>
#include <arrow/type.h>

#include <memory>
#include <utility>
#include <vector>

namespace zhiyin::worker::data::format::arrow_plugin {
namespace {

using Types = std::vector<std::shared_ptr<arrow::DataType>>;

/// Returns `type` with other types of what it is made of. REQUIRES: lists have one child.
std::shared_ptr<arrow::DataType> WithChildren(const std::shared_ptr<arrow::DataType>& type,
                                              const Types& children) {
  std::vector<std::shared_ptr<arrow::Field>> fields = type->fields();
  for (size_t i = 0; i < fields.size(); ++i) fields[i] = fields[i]->WithType(children[i]);
  switch (type->id()) {
    case arrow::Type::STRUCT:
      return arrow::struct_(fields);
    case arrow::Type::LIST:
      return arrow::list(fields[0]);
    case arrow::Type::LARGE_LIST:
      return arrow::large_list(fields[0]);
    case arrow::Type::LIST_VIEW:
      return arrow::list_view(fields[0]);
    case arrow::Type::LARGE_LIST_VIEW:
      return arrow::large_list_view(fields[0]);
    case arrow::Type::FIXED_SIZE_LIST:
      return arrow::fixed_size_list(
          fields[0], static_cast<const arrow::FixedSizeListType&>(*type).list_size());
    default:
      return nullptr;
  }
}

/// Returns the array with its texts as bytes. Copies no values.
std::shared_ptr<arrow::ArrayData> AsBytes(const arrow::ArrayData& data) {
  std::shared_ptr<arrow::ArrayData> bytes = data.Copy();
  if (data.type->id() == arrow::Type::EXTENSION) {
    bytes->type = static_cast<const arrow::ExtensionType&>(*data.type).storage_type();
    return AsBytes(*bytes);
  }
  switch (data.type->id()) {
    case arrow::Type::STRING:
      bytes->type = arrow::binary();
      break;
    case arrow::Type::LARGE_STRING:
      bytes->type = arrow::large_binary();
      break;
    case arrow::Type::STRING_VIEW:
      bytes->type = arrow::binary_view();
      break;
    case arrow::Type::DICTIONARY:
      if (data.dictionary != nullptr) {
        const auto& type = static_cast<const arrow::DictionaryType&>(*data.type);
        bytes->dictionary = AsBytes(*data.dictionary);
        bytes->type = arrow::dictionary(type.index_type(), bytes->dictionary->type, type.ordered());
      }
      break;
    default: {
      Types children;
      for (auto& child : bytes->child_data) {
        child = AsBytes(*child);
        children.push_back(child->type);
      }
      // Maps, unions and the like, which nobody reads, are checked as they are.
      const auto type = children.size() == static_cast<size_t>(data.type->num_fields())
                            ? WithChildren(data.type, children)
                            : nullptr;
      if (type == nullptr) return data.Copy();
      bytes->type = type;
    }
  }
  return bytes;
}

}  // namespace

arrow::Status Validate(const arrow::RecordBatch& batch) {
  ARROW_RETURN_NOT_OK(batch.Validate());
  for (int c = 0; c < batch.num_columns(); ++c) {
    const arrow::Status status = arrow::MakeArray(AsBytes(*batch.column_data(c)))->ValidateFull();
    if (!status.ok())
      return status.WithMessage("column \"", batch.column_name(c), "\": ", status.message());
  }
  return arrow::Status::OK();
}

}  // namespace zhiyin::worker::data::format::arrow_plugin
