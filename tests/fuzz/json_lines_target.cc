#include <glog/logging.h>

#include "common/error.h"
#include "tests/fuzz/outcome.h"
#include "tests/fuzz/targets.h"
#include "tests/support/files.h"
#include "worker/data/format/format.h"

namespace zhiyin::fuzz {
namespace {

using worker::data::kJsonLines;
using worker::data::Record;
using worker::data::RecordReader;
using worker::data::Value;
using worker::data::WantedColumn;

constexpr const char* kJsonFile = "json_lines";

/// Every use of places that overlap.
std::vector<WantedColumn> JsonFuzzColumns() {
  std::vector<WantedColumn> wanted;
  for (const WantedColumn::Use use :
       {WantedColumn::Use::kText, WantedColumn::Use::kCategories, WantedColumn::Use::kNumber}) {
    for (const char* name : {"city", "user.id", "emb[1]", "tags", "items[0].id", "x"})
      wanted.push_back({name, use});
  }
  return wanted;
}

/// Reads every byte of a value.
size_t SizeOf(const Value& value) {
  size_t n = 0;
  for (const char c : value.text()) n += c != 0 ? 1 : 0;
  if (value.kind() != Value::Kind::kList) return n;
  for (const std::string_view text : value.list()) {
    for (const char c : text) n += c != 0 ? 1 : 0;
  }
  return n;
}

}  // namespace

/// The content of a file. A malformed record counts as refused.
int FuzzJsonLines(const uint8_t* data, size_t size) {
  static const testing::TempFolder folder(testing::TempFolder::kInMemory);
  static const std::vector<WantedColumn> kWanted = JsonFuzzColumns();
  const std::string_view content(reinterpret_cast<const char*>(data), size);
  kJsonLines.recognises(content);
  const std::string path = folder.Write(kJsonFile, content);
  Judge(kJsonFile, [&] {
    const std::unique_ptr<RecordReader> reader = kJsonLines.open(path, Text(), kWanted, nullptr);
    Record record;
    std::string wrong;
    int64_t n = 0;
    size_t n_bytes = 0;
    for (; reader->Next(&record); ++n) {
      CHECK_EQ(record.values.size(), kWanted.size());
      for (const Value& value : record.values) n_bytes += SizeOf(value);
      if (!record.wrong.empty()) wrong = record.wrong;
    }
    CHECK_LE(n_bytes, kWanted.size() * size * 2 + 100);  // true and false have more than a byte
    CHECK_EQ(kJsonLines.open(path, Text(), kWanted, nullptr)->Skip(n + 1), n);
    if (!wrong.empty()) Fail(path, ": ", wrong);
  });
  return 0;
}

std::vector<std::string> JsonLinesSeeds() {
  return {
      "{\"city\": \"Bern\", \"tags\": \"b\", \"x\": 1.5}\n{\"x\": \"2\", \"city\": true}\n",
      "{\"user\": {\"id\": \"\\u00e4\\n\"}, \"other\": [{}, [1e3, null]]}\n\n{}",
      "\xef\xbb\xbf{\"user.id\": 12345678901234567890, \"emb\": [1, 2.5, -3], \"items\": []}\r\n",
      "{\"items\": [{\"id\": \"\\ud83d\\ude00\"}], \"x\": null}\n",
  };
}

}  // namespace zhiyin::fuzz
