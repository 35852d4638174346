// TFRecord files of tf.train.Example: a feature a column, which a row lacks where its value is
// missing. Categories are bytes, whole numbers int64, other numbers floats of 32 bits.
#include <charconv>
#include <cstdint>
#include <system_error>

#include "common/error.h"
#include "worker/data/example_parser.h"
#include "worker/data/format/tf_columns.h"
#include "worker/data/format/tf_record_writer.h"
#include "worker/data/writer/table_format.h"

namespace zhiyin::worker::data {
namespace {

/// Parses all of `text`; returns false where it is no number of the type.
template <typename Number>
bool ParseTfNumber(std::string_view text, Number* number) {
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, *number);
  return error == std::errc() && stop == end;
}

/// Whether nothing of a number is lost where a float is written for it: a reader takes it for just
/// the number, or the number is a float that was written with nine digits.
bool IsHeldBy(float held, std::string_view text) {
  constexpr int kFloatDigits = 9;
  char nine[32];
  const char* const end = std::to_chars(nine, nine + sizeof(nine), static_cast<double>(held),
                                        std::chars_format::general, kFloatDigits)
                              .ptr;
  if (std::string_view(nine, static_cast<size_t>(end - nine)) == text) return true;
  double number = 0;
  return ParseNumber(text, &number) && DecimalOfFloat(held) == number;
}

class TfExampleWriter : public TableWriter {
 public:
  explicit TfExampleWriter(std::ostream* out) : out_(out) {}

  void Begin(std::span<const TableColumn> columns) override {
    columns_.assign(columns.begin(), columns.end());
  }

  void Row(std::span<const Value> values) override {
    ++n_rows_;
    example_.Clear();
    auto& features = *example_.mutable_features()->mutable_feature();
    for (size_t c = 0; c < values.size(); ++c) {
      if (values[c].kind() != Value::Kind::kMissing)
        Set(columns_[c], values[c], &features[columns_[c].name]);
    }
    record_.clear();
    AppendTfRecord(example_, &record_);
    out_->write(record_.data(), static_cast<std::streamsize>(record_.size()));
  }

  void Finish() override {}

 private:
  void Set(const TableColumn& column, const Value& value, TfFeature* feature) const {
    switch (column.kind) {
      case ColumnKind::kCategory:
        feature->mutable_bytes_list()->add_value(value.text().data(), value.text().size());
        break;
      case ColumnKind::kCategories:
        for (const std::string_view category : value.list())
          feature->mutable_bytes_list()->add_value(category.data(), category.size());
        break;
      case ColumnKind::kInteger: {
        int64_t number = 0;
        if (!ParseTfNumber(value.text(), &number)) Refuse(column, value, "an int64");
        feature->mutable_int64_list()->add_value(number);
        break;
      }
      case ColumnKind::kNumber: {
        float number = 0;
        if (!ParseTfNumber(value.text(), &number) || !IsHeldBy(number, value.text()))
          Refuse(column, value, "a number that a float of 32 bits holds");
        feature->mutable_float_list()->add_value(number);
        break;
      }
    }
  }

  [[noreturn]] void Refuse(const TableColumn& column, const Value& value,
                           const char* expected) const {
    Fail("tfrecord: row ", n_rows_, ": ", column.name, " is ", value.text(), ", expected ",
         expected);
  }

  std::ostream* out_;
  std::vector<TableColumn> columns_;
  int64_t n_rows_ = 0;
  TfExample example_;
  std::string record_;
};

}  // namespace

const TableFormat kTfRecordTable = {"tfrecord", true, RefuseNothing,
                                    [](std::ostream* out) -> std::unique_ptr<TableWriter> {
                                      return std::make_unique<TfExampleWriter>(out);
                                    }};

}  // namespace zhiyin::worker::data
