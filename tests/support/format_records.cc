#include "tests/support/format_records.h"

#include <glog/logging.h>
#include <google/protobuf/text_format.h>

#include "common/text.h"

namespace zhiyin::testing {

using worker::data::Record;
using worker::data::RecordReader;
using worker::data::Value;

std::string ShownValue(const Value& value) {
  std::string list;
  switch (value.kind()) {
    case Value::Kind::kMissing:
      return "-";
    case Value::Kind::kText:
      return "'" + std::string(value.text()) + "'";
    case Value::Kind::kNumber:
      return TextOf(value.number());
    case Value::Kind::kList:
      for (const std::string_view text : value.list())
        list += (list.empty() ? "" : " ") + std::string(text);
      return "[" + list + "]";
  }
  return "";
}

std::string ShownRecord(const Record& record) {
  std::string shown = std::to_string(record.number);
  if (!record.wrong.empty()) return shown + "! " + record.wrong;
  shown += ":";
  for (const Value& value : record.values) shown += " " + ShownValue(value);
  return shown;
}

std::vector<std::string> RecordsOf(const worker::data::Format& format, const std::string& path,
                                   const Text& text, const WantedColumns& wanted) {
  const std::unique_ptr<RecordReader> reader = format.open(path, text, wanted, nullptr);
  std::vector<std::string> records;
  Record record;
  while (reader->Next(&record)) records.push_back(ShownRecord(record));
  return records;
}

std::vector<int> SeenIn(const worker::data::Format& format, const std::string& path,
                        const Text& text, const WantedColumns& wanted) {
  const std::unique_ptr<RecordReader> reader = format.open(path, text, wanted, nullptr);
  Record record;
  while (reader->Next(&record)) {
  }
  return {record.seen.begin(), record.seen.end()};
}

Text ParseText(const std::string& textproto) {
  Text text;
  CHECK(google::protobuf::TextFormat::ParseFromString(textproto, &text)) << textproto;
  return text;
}

}  // namespace zhiyin::testing
