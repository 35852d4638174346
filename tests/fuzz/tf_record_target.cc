#include <glog/logging.h>
#include <google/protobuf/stubs/logging.h>

#include <string>
#include <vector>

#include "common/error.h"
#include "tests/fuzz/outcome.h"
#include "tests/fuzz/targets.h"
#include "tests/support/files.h"
#include "tests/support/tf_examples.h"
#include "worker/data/format/format.h"
#include "worker/data/format/tf_record_writer.h"

namespace zhiyin::fuzz {
namespace {

using worker::data::TfExample;
using worker::data::WantedColumn;
using Use = WantedColumn::Use;

constexpr const char* kTfName = "examples.tfrecord";
constexpr char kWholeFile =
    'f';  // the first byte of an input that is a file; else a record follows

const std::vector<WantedColumn>& WantedOfTfRecord() {
  static const std::vector<WantedColumn> kWanted = {
      {"label", Use::kNumber},      {"user", Use::kText},       {"price", Use::kNumber},
      {"price", Use::kCategories},  {"tags", Use::kCategories}, {"tags[1]", Use::kText},
      {"history", Use::kCategories}};
  return kWanted;
}

TfExample SmallTfExample() {
  TfExample example;
  testing::SetFeature(&example, "label", testing::Integers({1}));
  testing::SetFeature(&example, "user", testing::Bytes({"u1"}));
  testing::SetFeature(&example, "price", testing::Floats({0.1f}));
  testing::SetFeature(&example, "tags", testing::Integers({-1, 300}));
  return example;
}

TfExample SmallTfSequence() {
  TfExample example = SmallTfExample();
  testing::AddStep(&example, "history", testing::Bytes({"a", "b"}));
  testing::AddStep(&example, "history", testing::Floats({2.5f}));
  return example;
}

/// Reads all records of a file. A malformed one is thrown as an Error, which names the file.
void ReadTfRecords(const std::string& path, std::string_view only_record) {
  const google::protobuf::LogSilencer quiet;  // the twin prints what it refuses
  const auto reader = worker::data::kTfRecord.open(path, Text(), WantedOfTfRecord(), nullptr);
  worker::data::Record record;
  while (reader->Next(&record)) {
    CHECK_EQ(record.values.size(), WantedOfTfRecord().size());
    if (!record.wrong.empty()) Fail(path, ":", record.number, ": ", record.wrong);
    TfExample twin;
    if (!twin.ParseFromArray(only_record.data(), static_cast<int>(only_record.size()))) continue;
    for (size_t c = 0; c < record.values.size() && !only_record.empty(); ++c)
      CHECK_EQ(testing::Shown(record.values[c]), testing::ShownByTwin(twin, WantedOfTfRecord()[c]));
  }
}

}  // namespace

/// A file, or the data of a record whose checksums fit: what is taken from it is what the generated
/// classes of protobuf take.
int FuzzTfRecord(const uint8_t* data, size_t size) {
  static const testing::TempFolder folder(testing::TempFolder::kInMemory);
  std::string_view input(reinterpret_cast<const char*>(data), size);
  const bool is_file = input.starts_with(kWholeFile);
  if (!input.empty()) input.remove_prefix(1);
  std::string bytes(input);
  if (!is_file) {
    bytes.clear();
    worker::data::AppendTfRecord(input, &bytes);
  }
  Judge(kTfName,
        [&] { ReadTfRecords(folder.Write(kTfName, bytes), is_file ? std::string_view() : input); });
  return 0;
}

std::vector<std::string> TfRecordSeeds() {
  std::string file(1, kWholeFile);
  worker::data::AppendTfRecord(SmallTfExample(), &file);
  worker::data::AppendTfRecord(SmallTfSequence(), &file);
  return {file, "r" + SmallTfExample().SerializeAsString(),
          "r" + SmallTfSequence().SerializeAsString()};
}

}  // namespace zhiyin::fuzz
