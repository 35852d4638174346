#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error.h"
#include "tests/support/files.h"
#include "tests/support/tf_examples.h"
#include "worker/data/format/format.h"
#include "worker/data/format/tf_frames.h"
#include "worker/data/format/tf_record_writer.h"

namespace zhiyin::worker::data {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;
using zhiyin::testing::Bytes;
using zhiyin::testing::Floats;
using zhiyin::testing::HistorySequence;
using zhiyin::testing::Integers;
using zhiyin::testing::SetFeature;
using zhiyin::testing::Shown;
using zhiyin::testing::TempFolder;
using Use = WantedColumn::Use;

/// Two records as tf.io.TFRecordWriter of TensorFlow 2.21 has written them: an Example with
/// feature0 = 0, feature1 = 4, feature2 = "goat", feature3 = 0.9876, and a SequenceExample with the
/// user "u7", the history a | nothing | b, c, and the hours -1 | 23.
constexpr std::string_view kByTensorFlow =
    "54000000000000005f5145870a520a110a08666561747572653012051a030a01000a110a08666561747572653112"
    "051a030a01040a140a08666561747572653212080a060a04676f61740a140a086665617475726533120812060a04"
    "5bd37c3fb524e9be5700000000000000e6ba948c0a100a0e0a047573657212060a040a02753712430a200a076869"
    "73746f727912150a050a030a01610a020a000a080a060a01620a01630a1f0a04686f757212170a0e1a0c0a0affff"
    "ffffffffffffff010a051a030a0117a74276de";

std::string TfBytesFromHex(std::string_view digits) {
  std::string bytes;
  for (size_t i = 0; i < digits.size(); i += 2)
    bytes += static_cast<char>(std::stoi(std::string(digits.substr(i, 2)), nullptr, 16));
  return bytes;
}

TfExample ExampleOfTensorFlow() {
  TfExample example;
  SetFeature(&example, "feature0", Integers({0}));
  SetFeature(&example, "feature1", Integers({4}));
  SetFeature(&example, "feature2", Bytes({"goat"}));
  SetFeature(&example, "feature3", Floats({0.9876f}));
  return example;
}

/// A file of one record for each example.
std::string TfFileOf(const std::vector<TfExample>& examples) {
  std::string bytes;
  for (const TfExample& example : examples) AppendTfRecord(example, &bytes);
  return bytes;
}

/// Each record of a file: its number and its values, "1 text:x number:2", or what is wrong with it.
std::vector<std::string> TfRecords(const std::string& path,
                                   const std::vector<WantedColumn>& wanted) {
  const std::unique_ptr<RecordReader> reader = kTfRecord.open(path, Text(), wanted, nullptr);
  std::vector<std::string> records;
  Record record;
  while (reader->Next(&record)) {
    std::string& shown = records.emplace_back(std::to_string(record.number));
    EXPECT_EQ(record.values.size(), wanted.size());
    if (!record.wrong.empty()) shown += " " + record.wrong;
    for (const Value& value : record.values) {
      if (record.wrong.empty()) shown += " " + Shown(value);
      EXPECT_TRUE(record.wrong.empty() || value.kind() == Value::Kind::kMissing);
    }
  }
  EXPECT_FALSE(reader->Next(&record)) << "the end is the end";
  return records;
}

class TfRecordTest : public ::testing::Test {
 protected:
  TempFolder folder_{TempFolder::kInMemory};
};

TEST(TfFramesTest, TheChecksumIsTheMaskedCrc32c) {
  // CRC32C of "123456789" is e3069283; ((crc >> 15) | (crc << 17)) + a282ead8.
  EXPECT_EQ(TfChecksum("123456789"), 0xc78ab0e5u);
  EXPECT_EQ(TfChecksum(""), 0xa282ead8u);
}

TEST_F(TfRecordTest, ReadsWhatTensorFlowHasWritten) {
  const std::vector<WantedColumn> wanted = {
      {"feature0", Use::kNumber},     {"feature1", Use::kText},
      {"feature2", Use::kCategories}, {"feature3", Use::kNumber},
      {"user", Use::kText},           {"history", Use::kCategories},
      {"hour[1]", Use::kNumber},      {"history[1]", Use::kCategories}};
  const std::string bytes = TfBytesFromHex(kByTensorFlow);
  const auto as_written =
      ElementsAre("1 number:0 text:4 list:goat number:0.9876 missing missing missing missing",
                  "2 missing missing missing missing text:u7 list:a,b,c number:23 text:b");
  EXPECT_THAT(TfRecords(folder_.Write("f.tfrecord", bytes), wanted), as_written);
  EXPECT_THAT(TfRecords(folder_.WriteGzip("f.tfrecord.gz", bytes), wanted), as_written);
}

TEST_F(TfRecordTest, WritesWhatTensorFlowWrites) {
  EXPECT_EQ(TfFileOf({ExampleOfTensorFlow(), HistorySequence()}), TfBytesFromHex(kByTensorFlow));
}

TEST_F(TfRecordTest, RecognisesItsFiles) {
  const std::string bytes = TfBytesFromHex(kByTensorFlow);
  EXPECT_TRUE(kTfRecord.recognises(bytes));
  EXPECT_TRUE(kTfRecord.recognises(bytes.substr(0, 12)));
  EXPECT_FALSE(kTfRecord.recognises(bytes.substr(0, 11)));
  EXPECT_FALSE(kTfRecord.recognises(""));
  EXPECT_FALSE(kTfRecord.recognises("label,user,item\n1,2,3\n"));
  EXPECT_FALSE(kTfRecord.recognises(std::string(100, '\0')));
  const auto head = [](uint64_t length) {
    const std::string number(reinterpret_cast<const char*>(&length), sizeof(length));
    const uint32_t checksum = TfChecksum(number);
    return number + std::string(reinterpret_cast<const char*>(&checksum), sizeof(checksum));
  };
  EXPECT_TRUE(kTfRecord.recognises(head(TfFrames::kMaxBytes + 1))) << "refused by its length";
  EXPECT_FALSE(kTfRecord.recognises(head(uint64_t{1} << 60)));
  // Nothing is allocated for such lengths.
  for (const uint64_t length : {uint64_t{TfFrames::kMaxBytes} + 1, UINT64_MAX, UINT64_MAX - 15}) {
    TfFrames frames(folder_.Write("f", head(length) + "data"));
    std::string_view data;
    EXPECT_THAT(
        [&] { frames.Next(&data); },
        ThrowsMessage<Error>(HasSubstr("/f: record 1 at byte 0: has " + std::to_string(length) +
                                       " bytes of data, expected 67108864 at most")));
  }
}

TEST_F(TfRecordTest, AnEmptyFileHasNoRecords) {
  EXPECT_THAT(TfRecords(folder_.Write("f", ""), {}), ElementsAre());
  EXPECT_THAT(TfRecords(folder_.WriteGzip("g", ""), {}), ElementsAre());
  TfExample nothing;
  EXPECT_THAT(TfRecords(folder_.Write("h", TfFileOf({nothing})), {{"x"}}),
              ElementsAre("1 missing"));
}

TEST_F(TfRecordTest, ATruncatedFileIsRefused) {
  const std::string bytes = TfBytesFromHex(kByTensorFlow);
  const size_t n_first = 84 + 16;
  for (size_t n = 1; n < bytes.size(); ++n) {
    if (n == n_first) continue;  // a whole file
    const std::string where =
        n < n_first
            ? "/f: record 1 at byte 0: the file ends after " + std::to_string(n)
            : "/f: record 2 at byte 100: the file ends after " + std::to_string(n - n_first);
    const std::string path = folder_.Write("f", bytes.substr(0, n));
    EXPECT_THAT([&] { TfRecords(path, {{"user"}}); }, ThrowsMessage<Error>(HasSubstr(where)));
  }
  const std::string gzip = folder_.WriteGzip("g", bytes.substr(0, 50));
  EXPECT_THAT([&] { TfRecords(gzip, {}); },
              ThrowsMessage<Error>(HasSubstr("/g: record 1 at byte 0 of the uncompressed data")));
}

TEST_F(TfRecordTest, EveryFlippedBitIsFound) {
  const std::string bytes = TfBytesFromHex(kByTensorFlow);
  for (size_t i = 0; i < bytes.size() * 8; ++i) {
    std::string damaged = bytes;
    damaged[i / 8] = static_cast<char>(damaged[i / 8] ^ (1 << i % 8));
    const std::string path = folder_.Write("f", damaged);
    const bool is_first = i / 8 < 100;
    const std::string where = is_first ? "record 1 at byte 0: " : "record 2 at byte 100: ";
    const bool is_head = i / 8 - (is_first ? 0 : 100) < kTfHeadBytes;
    const std::string what = is_head ? "of its length" : "bytes of data does not fit";
    EXPECT_THAT([&] { TfRecords(path, {{"user"}}); },
                ThrowsMessage<Error>(AllOf(HasSubstr("/f: " + where), HasSubstr(what))));
    EXPECT_THROW(kTfRecord.open(path, Text(), {}, nullptr)->Skip(2), Error)
        << "also where it is skipped";
  }
}

TEST_F(TfRecordTest, SkipsRecords) {
  std::vector<TfExample> examples(5);
  for (int i = 0; i < 5; ++i) SetFeature(&examples[i], "x", Integers({i}));
  const std::vector<WantedColumn> wanted = {{"x"}};
  const auto reader =
      kTfRecord.open(folder_.Write("f", TfFileOf(examples)), Text(), wanted, nullptr);
  EXPECT_EQ(reader->Skip(0), 0);
  EXPECT_EQ(reader->Skip(3), 3);
  Record record;
  ASSERT_TRUE(reader->Next(&record));
  EXPECT_EQ(record.number, 4);
  EXPECT_EQ(record.values.at(0).text(), "3");
  EXPECT_EQ(reader->Skip(9), 1);
  EXPECT_EQ(reader->Skip(1), 0);
  EXPECT_FALSE(reader->Next(&record));
}

TEST_F(TfRecordTest, RecordsMayBeLargerThanTheBuffer) {
  std::vector<TfExample> examples;
  std::vector<std::string> expected;
  for (const size_t n : {10, 300'000, 100, 262'144, 262'100, 1'000'000, 1}) {
    const std::string text(n, static_cast<char>('a' + examples.size()));
    SetFeature(&examples.emplace_back(), "x", Bytes({text}));
    expected.push_back(std::to_string(examples.size()) + " text:" + text);
  }
  EXPECT_EQ(TfRecords(folder_.Write("f", TfFileOf(examples)), {{"x"}}), expected);
}

TEST_F(TfRecordTest, AMalformedRecordSpoilsNoOther) {
  std::string bytes;
  AppendTfRecord(ExampleOfTensorFlow(), &bytes);
  AppendTfRecord("no message", &bytes);
  AppendTfRecord(ExampleOfTensorFlow(), &bytes);
  EXPECT_THAT(TfRecords(folder_.Write("f", bytes), {{"feature2"}, {"feature1", Use::kNumber}}),
              ElementsAre("1 text:goat number:4",
                          "2 no tf.train.Example or tf.train.SequenceExample, expected one",
                          "3 text:goat number:4"));
}

TEST_F(TfRecordTest, APositionIsNoColumn) {
  const std::string path = folder_.Write("f", "");
  const std::vector<WantedColumn> position = {{"#0"}};
  EXPECT_THAT([&] { kTfRecord.open(path, Text(), position, nullptr); },
              ThrowsMessage<Error>(HasSubstr("/f: column \"#0\" is a position")));
  const std::vector<WantedColumn> name = {{"#"}, {"#tags"}, {"#1b"}};
  EXPECT_NE(kTfRecord.open(path, Text(), name, nullptr), nullptr);
}

}  // namespace
}  // namespace zhiyin::worker::data
