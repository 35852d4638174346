// Damaged configurations and overrides: whatever stands there, the answer is a job that its own
// text gives back, or an Error of one line that says where. A failure names its seed.
#include <gmock/gmock.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "common/config/reader.h"
#include "common/error.h"
#include "common/random.h"
#include "common/text.h"
#include "launch/job/load_job.h"
#include "tests/support/files.h"

namespace zhiyin::launch::job {
namespace {

using google::protobuf::util::MessageDifferencer;
using ::testing::AnyOf;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

#if defined(ZHIYIN_THREAD_SANITIZER) || defined(ZHIYIN_ADDRESS_SANITIZER)
constexpr uint64_t kSeeds = 8000;
#else
constexpr uint64_t kSeeds = 30000;
#endif
constexpr uint64_t kSeedsOfOverrides = 3000;

std::vector<std::string> ShippedTexts() {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(testing::SourcePath("configs"))) {
    if (entry.path().extension() == ".textproto") paths.push_back(entry.path().string());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<std::string> texts;
  for (const std::string& path : paths) texts.push_back(testing::ReadFile(path));
  return texts;
}

/// Words, numbers, quoted text, spaces and single other characters; all of them together are the
/// text.
std::vector<std::string> Tokens(const std::string& text) {
  const auto is_word = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' || c == '-';
  };
  std::vector<std::string> tokens;
  for (size_t at = 0; at < text.size();) {
    size_t end = at + 1;
    if (is_word(text[at])) {
      while (end < text.size() && is_word(text[end])) ++end;
    } else if (text[at] == '"') {
      end = std::min(text.find('"', end), text.size() - 1) + 1;
    }
    tokens.push_back(text.substr(at, end - at));
    at = end;
  }
  return tokens;
}

std::string Joined(const std::vector<std::string>& tokens) {
  std::string text;
  for (const std::string& token : tokens) text += token;
  return text;
}

/// REQUIRES: text.size() > 0.
std::string DamagedBytes(std::string text, Random* random) {
  const size_t at = random->Below(text.size());
  switch (random->Below(5)) {
    case 0:
      text[at] = static_cast<char>(text[at] ^ (1 << random->Below(8)));
      return text;
    case 1:
      text[at] = static_cast<char>(random->Below(256));
      return text;
    case 2:
      return text.substr(0, at);
    case 3:
      return text.insert(at, 1, "\n\r\t\0\"'#{}[]<>:,;-"[random->Below(18)]);
    default:
      return text.insert(at, text.substr(random->Below(text.size()), random->Below(60)));
  }
}

std::string DamagedTokens(const std::string& text, Random* random) {
  std::vector<std::string> tokens = Tokens(text);
  const size_t a = random->Below(tokens.size());
  const size_t b = random->Below(tokens.size());
  constexpr const char* kHostile[] = {
      "0",    "-1",  "7",  "nan",    "inf",     "1e999",    "99999999999999999999",
      "\"\"", "010", "{}", "\"..\"", "\"\\n\"", "\"\\377\""};
  switch (random->Below(5)) {
    case 0:
      tokens.erase(tokens.begin() + static_cast<ptrdiff_t>(a));
      break;
    case 1:
      tokens.insert(tokens.begin() + static_cast<ptrdiff_t>(a), tokens[a]);
      break;
    case 2:
      std::swap(tokens[a], tokens[b]);
      break;
    case 3:
      tokens[a] = tokens[b];
      break;
    default:
      tokens[a] = kHostile[random->Below(std::size(kHostile))];
      break;
  }
  return Joined(tokens);
}

std::string Damaged(std::string text, Random* random) {
  for (uint64_t n = 1 + random->Below(3); n > 0 && !text.empty(); --n)
    text = random->Below(2) == 0 ? DamagedBytes(text, random) : DamagedTokens(text, random);
  return text;
}

class NoErrors : public google::protobuf::io::ErrorCollector {
  void AddError(int, google::protobuf::io::ColumnNumber, const std::string&) override {}
};

/// Our language is a part of protobuf's, and means the same.
void ExpectProtobufReadsTheSame(const std::string& text) {
  Job ours;
  config::ConfigBlame blame("job");
  config::ReadText(text, &blame, &ours);
  NoErrors silence;
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&silence);
  Job theirs;
  EXPECT_TRUE(parser.ParseFromString(text, &theirs)) << text;
  EXPECT_TRUE(MessageDifferencer::Equals(ours, theirs)) << text;
}

void ExpectRoundTrip(const Job& job) {
  const std::string text = JobToText(job);
  EXPECT_TRUE(MessageDifferencer::Equals(ParseJob(text, "again", "/elsewhere", {}), job)) << text;
}

/// Reads about `n_seeds` damaged texts.
void ReadDamagedTexts(uint64_t n_seeds) {
  uint64_t n_jobs = 0;
  uint64_t n_refused = 0;
  const std::vector<std::string> texts = ShippedTexts();
  for (const std::string& whole : texts) {
    for (uint64_t seed = 1; seed <= n_seeds / texts.size() && !::testing::Test::HasFailure();
         ++seed) {
      SCOPED_TRACE("seed " + std::to_string(seed) + " of " + whole.substr(0, 60));
      Random random(seed);
      const std::string text = Damaged(whole, &random);
      try {
        const Job job = ParseJob(text, "job", "/data", {});
        ++n_jobs;
        ExpectProtobufReadsTheSame(text);
        ExpectRoundTrip(job);
      } catch (const Error& e) {
        ++n_refused;
        EXPECT_THAT(e.what(), MatchesRegex("job:[0-9]+: .+"));
        EXPECT_EQ(OneLine(e.what()), e.what());
      }
    }
  }
  EXPECT_GT(n_jobs, n_seeds / 20);
  EXPECT_GT(n_refused, n_seeds * 3 / 20);
}

TEST(ConfigFuzz, ADamagedTextIsAnErrorOrAJob) {
  ReadDamagedTexts(kSeeds / 10);
}

TEST(ThoroughConfigFuzz, ADamagedTextIsAnErrorOrAJob) {
  ReadDamagedTexts(kSeeds);
}

TEST(ConfigFuzz, ADamagedOverrideIsAnErrorOrAJob) {
  const std::vector<std::string> good = {
      "train.staleness=-1",
      "table[categories].dim=3",
      "table[0].optimizer={adagrad {learning_rate: 0.5}}",
      "model.mmoe.expert=3,4",
      "train.dense_optimizer={sgd {learning_rate: 1}}",
      "data.train.file=\"a\",b",
      "field[2]={name: \"education\" pooling: MEAN bucket: [1, 2]}",
      "task[income].label.prefix=50000",
      "evaluation.every_epochs=2"};
  const std::string text =
      JobToText(LoadJob(testing::SourcePath("configs/census_mmoe.textproto"), {}));
  int n_jobs = 0;
  for (uint64_t seed = 1; seed <= kSeedsOfOverrides && !HasFailure(); ++seed) {
    Random random(seed);
    std::vector<std::string> overrides;
    for (uint64_t n = 1 + random.Below(3); n > 0; --n) {
      std::string chosen = good[random.Below(good.size())];
      if (random.Below(2) == 0) chosen = Damaged(chosen, &random);
      overrides.push_back(chosen);
    }
    SCOPED_TRACE("seed " + std::to_string(seed) + ": " + overrides.back());
    try {
      ExpectRoundTrip(ParseJob(text, "job", "/data", overrides));
      ++n_jobs;
    } catch (const Error& e) {
      EXPECT_THAT(e.what(), AnyOf(StartsWith("--set "), MatchesRegex("job:[0-9]+: .+")));
      EXPECT_EQ(OneLine(e.what()), e.what());
    }
  }
  EXPECT_GT(n_jobs, 500);
}

}  // namespace
}  // namespace zhiyin::launch::job
