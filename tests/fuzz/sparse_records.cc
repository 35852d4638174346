#include "tests/fuzz/sparse_records.h"

#include <glog/logging.h>

#include <algorithm>
#include <limits>

#include "common/error.h"
#include "tests/fuzz/outcome.h"
#include "tests/support/files.h"

namespace zhiyin::fuzz {

void ReadRecords(const worker::data::Format& format, const Text& text,
                 const testing::WantedColumns& wanted, const uint8_t* data, size_t size) {
  static const testing::TempFolder folder(testing::TempFolder::kInMemory);
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::string path = folder.Write("f", bytes);
  format.recognises(bytes.substr(0, worker::data::kStartBytes));
  Judge(path, [&] {
    const std::unique_ptr<worker::data::RecordReader> reader =
        format.open(path, text, wanted, nullptr);
    worker::data::Record record;
    int64_t n_records = 0;
    int64_t last_number = 0;
    std::string wrong;
    while (reader->Next(&record)) {
      ++n_records;
      CHECK_GT(record.number, last_number);
      last_number = record.number;
      CHECK_EQ(record.values.size(), wanted.size());
      testing::ShownRecord(record);  // touches every byte of the values
      if (record.wrong.empty()) continue;
      CHECK(std::all_of(record.values.begin(), record.values.end(), [](const auto& value) {
        return value.kind() == worker::data::Value::Kind::kMissing;
      })) << record.wrong;
      wrong = record.wrong;
    }
    CHECK_EQ(format.open(path, text, wanted, nullptr)->Skip(std::numeric_limits<int64_t>::max()),
             n_records);
    if (!wrong.empty()) Fail(path, ": ", wrong);
  });
}

}  // namespace zhiyin::fuzz
