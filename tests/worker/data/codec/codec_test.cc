// Compressed files of every kind as FileBytes reads them: whole, damaged and hostile.
#include "worker/data/codec/codec.h"

#include <gmock/gmock.h>
#include <lzma.h>

#include <algorithm>
#include <filesystem>

#include "common/error.h"
#include "common/random.h"
#include "tests/support/compress.h"
#include "tests/support/files.h"
#include "worker/data/file_bytes.h"

namespace zhiyin::worker::data {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using ::testing::ThrowsMessage;
using zhiyin::testing::Bzip2;
using zhiyin::testing::Compression;
using zhiyin::testing::Compressions;
using zhiyin::testing::Gzip;
using zhiyin::testing::Lz4;
using zhiyin::testing::SkippableFrame;
using zhiyin::testing::TempFolder;
using zhiyin::testing::Xz;
using zhiyin::testing::Zstd;

using std::string_literals::operator""s;
using std::string_view_literals::operator""sv;

/// All that a file holds, read in pieces of n bytes.
std::string Decompressed(const std::string& path, size_t n = 1000) {
  FileBytes file(path);
  std::string content;
  std::string piece(n, '\0');
  for (size_t got = n; got == n;) {
    got = file.Read(piece.data(), n);
    content.append(piece, 0, got);
  }
  EXPECT_EQ(file.Read(piece.data(), n), 0u) << "the end is the end";
  return content;
}

/// Some blocks of text, and one that cannot be compressed.
std::string LargeContent() {
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += "line " + std::to_string(i) + "\n";
  Random random(1);
  for (int i = 0; i < 400'000; ++i) text += static_cast<char>(random.Next());
  return text;
}

/// The fewest bytes of a codec that are recognised, where a file has no more.
size_t LeastStart(std::string_view codec) {
  return codec == "bzip2" ? 4 : 2;
}

class CodecTest : public ::testing::TestWithParam<Compression> {
 protected:
  std::string Compress(std::string_view content) const { return GetParam().compress(content); }
  /// What a file with these bytes holds, or the error that it ends in.
  std::string Outcome(std::string_view bytes) const {
    try {
      return Decompressed(folder_.Write("f", bytes));
    } catch (const Error& e) {
      EXPECT_THAT(e.what(), AllOf(StartsWith(folder_.Path("f") + ": at byte "),
                                  HasSubstr(GetParam().codec), HasSubstr(", expected ")));
      return kError + e.what();
    }
  }

  static inline const std::string kError = "error: ";
  TempFolder folder_{TempFolder::kInMemory};
};

INSTANTIATE_TEST_SUITE_P(Every, CodecTest, ::testing::ValuesIn(Compressions()),
                         [](const auto& param) { return std::string(param.param.name); });

TEST_P(CodecTest, DecompressesWhatTheLibraryCompressed) {
  for (const std::string& content :
       {std::string(), std::string("x"), std::string(2'000'000, '\0'), LargeContent()}) {
    const std::string path = folder_.Write("f", Compress(content));
    EXPECT_FALSE(FileBytes(path).IsPlain());
    for (const size_t n : {size_t{1000}, size_t{256} << 10, size_t{8} << 20})
      ASSERT_TRUE(Decompressed(path, n) == content) << content.size() << " by " << n;
  }
  EXPECT_EQ(Decompressed(folder_.Write("f", Compress("byte by byte")), 1), "byte by byte");
}

TEST_P(CodecTest, SeeksInWhatIsDecoded) {
  const std::string content = LargeContent() + "between" + LargeContent();
  const std::string path =
      folder_.Write("f", Compress(content.substr(0, content.size() / 3)) +
                             Compress(content.substr(content.size() / 3)) + Compress(""));
  const int64_t n_compressed = static_cast<int64_t>(std::filesystem::file_size(path));
  FileBytes noting(path);
  noting.NotePoints(n_compressed / 20);
  std::string read(content.size() + 1, '\0');
  ASSERT_EQ(noting.Read(read.data(), read.size()), content.size());
  const std::vector<SeekPoint> points = noting.points();
  if (GetParam().codec == "gzip") {
    EXPECT_GE(points.size(), 8u);
    EXPECT_LE(points.size(), 20u);
  }
  ReadCounts counts;
  FileBytes pointed(path, &counts);
  pointed.SetPoints(&points);
  FileBytes plain(path);
  Random random(1);
  for (int i = 0; i < 12; ++i) {
    const size_t at = random.Below(content.size() + 1);
    const size_t n = std::min(content.size() - at, random.Below(i % 2 == 0 ? 100 : 100'000));
    for (FileBytes* file : {&pointed, &plain}) {
      std::string piece(n, '\0');
      file->Seek(static_cast<int64_t>(at));
      ASSERT_EQ(file->Read(piece.data(), n), n);
      ASSERT_TRUE(piece == content.substr(at, n)) << at << " " << n;
    }
  }
  if (points.empty()) return;
  // To the end from the last point, over the trailer and the members behind it.
  counts.n_bytes = 0;
  pointed.Seek(static_cast<int64_t>(content.size()) - 10);
  std::string rest(100, '\0');
  EXPECT_EQ(pointed.Read(rest.data(), rest.size()), 10u);
  EXPECT_LE(counts.n_bytes, n_compressed / 4);
  EXPECT_THROW(pointed.Seek(static_cast<int64_t>(content.size()) + 1), Error);
}

TEST_P(CodecTest, JoinsMembers) {
  const std::string large = LargeContent();
  const std::string nothing = Compress("");
  EXPECT_EQ(Outcome(nothing + nothing), "");
  EXPECT_EQ(Outcome(Compress("one\ntw") + nothing + Compress("o\n") + nothing), "one\ntwo\n");
  EXPECT_TRUE(Outcome(Compress("one") + Compress(large) + Compress("two")) ==
              "one" + large + "two");
  const std::string member = Compress("i");
  std::string many;
  for (int i = 0; i < 20'000; ++i) many += member;  // their starts are cut by the buffer
  EXPECT_EQ(Outcome(many), std::string(20'000, 'i'));
}

TEST_P(CodecTest, EveryTruncationIsNoticed) {
  const std::string a = Compress("a line that is there twice, a line that is there twice\n");
  const std::string whole = a + Compress("two");
  for (size_t n = 0; n < whole.size(); ++n) {
    const std::string outcome = Outcome(whole.substr(0, n));
    if (n < LeastStart(GetParam().codec)) {
      EXPECT_EQ(outcome, whole.substr(0, n)) << "too short to tell";
    } else if (n == a.size()) {
      EXPECT_EQ(outcome, "a line that is there twice, a line that is there twice\n");
    } else {
      EXPECT_EQ(outcome, kError + folder_.Path("f") + ": at byte " + std::to_string(n) + ": the " +
                             std::string(GetParam().codec) +
                             " ends too early, expected more compressed data");
    }
  }
}

TEST_P(CodecTest, ATruncationIsNoticedWhereverItIs) {
  const std::string whole = Compress(LargeContent());
  for (size_t n = whole.size() - 1; n > whole.size() / 12; n -= whole.size() / 12)
    EXPECT_THAT(Outcome(whole.substr(0, n)),
                HasSubstr(": at byte " + std::to_string(n) + ": the " +
                          std::string(GetParam().codec) + " ends too early"));
}

TEST_P(CodecTest, EveryFlippedBitIsNoticedByTheChecksums) {
  const std::string content = "a line that is there twice, a line that is there twice\n";
  const std::string whole = Compress(content);
  size_t n_errors = 0;
  for (size_t i = 0; i < 8 * whole.size(); ++i) {
    std::string flipped = whole;
    flipped[i / 8] = static_cast<char>(flipped[i / 8] ^ 1 << i % 8);
    const std::string outcome = Outcome(flipped);
    if (outcome.starts_with(kError)) {
      ++n_errors;
    } else if (GetParam().has_checksum && outcome != content) {
      EXPECT_EQ(outcome, flipped) << "bit " << i << ": where it is not recognised it is plain";
      EXPECT_LT(i, 8 * 10u) << "bit " << i;
    }
  }
  if (GetParam().has_checksum) {
    EXPECT_GT(n_errors, 4 * whole.size());
  }
}

TEST_P(CodecTest, DamageToTheChecksumOrTheEndIsNamedWithItsPlace) {
  if (!GetParam().has_checksum) GTEST_SKIP() << "nothing to be damaged";
  std::string whole = Compress(LargeContent());
  const bool is_before_the_end = GetParam().codec == "gzip";  // a length is behind the checksum
  whole[whole.size() - (is_before_the_end ? 6 : 2)] ^= 0x10;
  const std::string outcome = Outcome(whole);
  EXPECT_THAT(outcome, HasSubstr(": corrupt " + std::string(GetParam().codec) + " ("));
  const std::string start = kError + folder_.Path("f") + ": at byte ";
  ASSERT_THAT(outcome, StartsWith(start));
  const size_t at = std::stoul(outcome.substr(start.size()));
  EXPECT_LE(at, whole.size());
  EXPECT_GE(at + 12, whole.size());
}

TEST_P(CodecTest, WhatFollowsMustBeOfTheCodec) {
  const std::string a = Compress("one\n");
  for (const std::string& rest :
       {std::string("something else"), std::string("\n"), std::string(300'000, 'x'),
        GetParam().codec == "gzip" ? Zstd("two") : Gzip("two")}) {
    EXPECT_THAT(Outcome(a + rest), HasSubstr(": at byte " + std::to_string(a.size()) +
                                             ": corrupt " + std::string(GetParam().codec)))
        << rest.size();
  }
}

TEST_P(CodecTest, ZerosMayFollowWhereTheFormatSaysSo) {
  const std::string a = Compress("one\n");
  const std::string b = Compress("two\n");
  const std::string zeros(300'000, '\0');
  if (GetParam().codec == "gzip" || GetParam().codec == "xz") {
    EXPECT_EQ(Outcome(a + zeros + b + zeros), "one\ntwo\n");
    EXPECT_EQ(Outcome(a + zeros.substr(0, 4)), "one\n");
    EXPECT_THAT(Outcome(a + zeros + "x"), HasSubstr(": corrupt "));
  } else {
    EXPECT_THAT(Outcome(a + zeros), HasSubstr("begins here), expected compressed data"));
    EXPECT_THAT(Outcome(a + zeros.substr(0, 1)), HasSubstr("begins here"));
  }
  if (GetParam().codec == "gzip") {
    EXPECT_EQ(Outcome(a + zeros.substr(0, 3) + b), "one\ntwo\n");
  }
  if (GetParam().codec == "xz") {
    const std::string wrong =
        ": corrupt xz (300003 zeros before this byte, expected a multiple of 4), expected";
    EXPECT_THAT(Outcome(a + zeros + "\0\0\0"s), HasSubstr(wrong));
    EXPECT_THAT(Outcome(a + zeros + "\0\0\0"s + b), HasSubstr(wrong));
  }
}

TEST_P(CodecTest, PassesOverSkippableFrames) {
  if (GetParam().codec != "zstd" && GetParam().codec != "lz4") GTEST_SKIP() << "has none";
  const std::string skipped = SkippableFrame("what is this?");
  const std::string empty = SkippableFrame("");
  const std::string large = SkippableFrame(std::string(700'000, 's'));
  const std::string a = Compress("one\n");
  const std::string b = Compress("two\n");
  EXPECT_EQ(Outcome(skipped + a + empty + b + large), "one\ntwo\n");
  EXPECT_EQ(Outcome(large + empty + a + skipped + skipped + b), "one\ntwo\n");
  const std::string whole = skipped + a + empty;
  for (size_t n = 4; n < whole.size(); ++n) {
    const bool ends = n == skipped.size() || n == skipped.size() + a.size();
    try {
      const std::string content = Decompressed(folder_.Write("f", whole.substr(0, n)));
      EXPECT_TRUE(ends) << n;
      EXPECT_EQ(content, n > skipped.size() ? "one\n" : "");
    } catch (const Error& e) {
      EXPECT_FALSE(ends) << n;
      EXPECT_THAT(e.what(), HasSubstr(": at byte "));
    }
  }
}

class CodecLimitsTest : public ::testing::Test {
 protected:
  std::string ErrorOf(std::string_view bytes) const {
    const std::string path = folder_.Write("f", bytes);
    try {
      return "content: " + Decompressed(path);
    } catch (const Error& e) {
      EXPECT_THAT(e.what(), StartsWith(path));
      return std::string(e.what()).substr(path.size());
    }
  }

  TempFolder folder_{TempFolder::kInMemory};
};

/// A frame that holds "x", with this descriptor of its window: eight times the exponent over 2^10,
/// and eighths above that.
std::string ZstdWithWindow(int descriptor) {
  std::string frame = "\x28\xb5\x2f\xfd\x00?\x09\x00\x00x"s;
  frame[5] = static_cast<char>(descriptor);
  return frame;
}

TEST_F(CodecLimitsTest, OfAZstdsWindow) {
  EXPECT_EQ(ErrorOf(ZstdWithWindow((27 - 10) * 8)), "content: x");
  const std::string refused =
      ": at byte 5: the zstd was compressed with a window of more than 128 MiB, expected at most "
      "128 MiB (zstd --long=27)";
  EXPECT_EQ(ErrorOf(ZstdWithWindow((27 - 10) * 8 + 1)), refused);
  EXPECT_EQ(ErrorOf(ZstdWithWindow((31 - 10) * 8)), refused);
  EXPECT_EQ(ErrorOf(ZstdWithWindow((41 - 10) * 8)), refused);
}

/// An xz whose header says that this dictionary is needed: 2 or 3 times a power of 2.
std::string XzWithDictionary(std::string_view content, int descriptor) {
  std::string xz = Xz(content);
  constexpr size_t kHeader = 12;  // of the first block, behind that of the stream
  const size_t n = static_cast<size_t>(xz[kHeader]) * 4;  // without its checksum
  EXPECT_EQ(xz.substr(kHeader + 1, 3), "\x00\x21\x01"s) << "LZMA2, with one byte of options";
  xz[kHeader + 4] = static_cast<char>(descriptor);
  const uint32_t sum = lzma_crc32(reinterpret_cast<const uint8_t*>(xz.data()) + kHeader, n, 0);
  for (size_t i = 0; i < 4; ++i) xz[kHeader + n + i] = static_cast<char>(sum >> (8 * i));
  return xz;
}

TEST_F(CodecLimitsTest, OfAnXzsMemory) {
  EXPECT_EQ(ErrorOf(XzWithDictionary("one", 28)), "content: one") << "64 MiB, as xz -9 has";
  EXPECT_THAT(ErrorOf(XzWithDictionary("one", 36)),
              AllOf(StartsWith(": at byte "),
                    HasSubstr(": the xz needs 1025 MiB of memory, expected at most 256 MiB")));
  EXPECT_THAT(ErrorOf(XzWithDictionary("one", 40)), HasSubstr(": the xz needs 4097 MiB of memory"));
}

TEST_F(CodecLimitsTest, ADictionaryIsRefused) {
  EXPECT_THAT(ErrorOf("\x28\xb5\x2f\xfd\x01\x00\x07\x09\x00\x00x"sv),
              HasSubstr("the zstd needs a dictionary, expected one that was compressed without"));
  EXPECT_EQ(ErrorOf(Lz4("one", true, 7)),
            ": at byte 0: the lz4 needs a dictionary, expected one that was compressed without");
}

TEST_F(CodecLimitsTest, FramesOfOldVersionsOfZstdAreRefused) {
  const std::string a = Zstd("one\n");
  EXPECT_EQ(ErrorOf(a + "\x27\xb5\x2f\xfd and so on"),
            ": at byte " + std::to_string(a.size()) +
                ": corrupt zstd (no frame begins here), expected compressed data");
}

TEST_F(CodecLimitsTest, SkippableFramesOfAnySizeAreRefusedWhereTheyAreTruncated) {
  EXPECT_EQ(ErrorOf("\x50\x2a\x4d\x18\xff\xff\xff\xff more"),
            ": at byte 13: the zstd ends too early, expected more compressed data");
  std::string many;
  for (int i = 0; i < 100'000; ++i) many += SkippableFrame("");
  EXPECT_EQ(ErrorOf(many), "content: ");
  EXPECT_EQ(ErrorOf(many + Zstd("one")), "content: one");
}

TEST_F(CodecLimitsTest, TextsThatResembleAMagicNumberArePlain) {
  for (const std::string_view text :
       {"B"sv, "BZ"sv, "BZh"sv, "BZhang,1\n"sv, "BZh0"sv, "BZh9,1\n"sv, "BZh91AY,1\n"sv, "P*"sv,
        "P*M"sv, "P*M,1\n"sv, "("sv, "\x1f"sv, "\x04"sv, "\xfd"sv, "7zXZ"sv}) {
    const std::string path = folder_.Write("f", text);
    EXPECT_TRUE(FileBytes(path).IsPlain()) << text;
    EXPECT_EQ(Decompressed(path), text);
  }
}

TEST_F(CodecLimitsTest, EveryCodecRecognisesItsOwnOnly) {
  for (const Compression& compression : Compressions()) {
    const std::string bytes = compression.compress("one");
    for (const Codec* codec : Codecs())
      EXPECT_EQ(codec->recognises(std::string_view(bytes).substr(0, kMemberStartBytes)),
                codec->name == compression.codec)
          << codec->name << " on " << compression.name;
  }
}

}  // namespace
}  // namespace zhiyin::worker::data
