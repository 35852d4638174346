// What the product compresses is read by its own decoders, in every codec.
#include "worker/data/codec/compressing_stream.h"

#include <gtest/gtest.h>

#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>

#include "common/error.h"
#include "common/random.h"
#include "tests/support/files.h"
#include "worker/data/file_bytes.h"

namespace zhiyin::worker::data {
namespace {

/// Lines, and bytes that cannot be compressed: more than any buffer holds.
std::string LinesAndNoise() {
  std::string content;
  for (int i = 0; i < 40'000; ++i) content += "line " + std::to_string(i) + "\n";
  Random random(1);
  for (int i = 0; i < 200'000; ++i) content += static_cast<char>(random.Next());
  return content;
}

/// Writes the content in pieces of n bytes to a file whose name has the codec's ending.
std::string WriteCompressed(const testing::TempFolder& folder, const Codec& codec,
                            std::string_view content, size_t n) {
  std::ostringstream file;
  CompressingStream stream(codec, &file);
  for (size_t at = 0; at < content.size(); at += n) stream << content.substr(at, n);
  stream.Finish();
  return folder.Write(std::string("f") + codec.ending, file.str());
}

std::string Decompress(const std::string& path, size_t n_expected) {
  FileBytes file(path);
  EXPECT_FALSE(file.IsPlain()) << path;
  std::string content(n_expected + 1, '\0');
  content.resize(file.Read(content.data(), content.size()));
  return content;
}

TEST(CompressingStream, WritesWhatIsRead) {
  const testing::TempFolder folder(testing::TempFolder::kInMemory);
  const std::string large = LinesAndNoise();
  for (const Codec* codec : Codecs()) {
    for (const std::string_view content :
         {std::string_view(), std::string_view("x"), std::string_view(large)}) {
      for (const size_t n : {size_t{1000}, size_t{1} << 20}) {
        const std::string path = WriteCompressed(folder, *codec, content, n);
        ASSERT_TRUE(Decompress(path, content.size()) == content)
            << codec->name << ", " << content.size() << " bytes by " << n;
      }
    }
    EXPECT_EQ(CodecByEnding(std::string("a.tsv") + codec->ending), codec);
  }
  EXPECT_EQ(CodecByEnding("a.tsv"), nullptr);
}

TEST(CompressingStream, HasChecksums) {
  const testing::TempFolder folder(testing::TempFolder::kInMemory);
  const std::string content(100, 'a');
  for (const Codec* codec : Codecs()) {
    const std::string path = WriteCompressed(folder, *codec, content, content.size());
    const std::string whole = testing::ReadFile(path);
    std::string damaged = whole;
    // A gzip has its length behind the checksum.
    damaged[damaged.size() - (codec == &kGzip ? 6 : 2)] ^= 0x10;
    folder.Write("damaged", damaged);
    EXPECT_THROW(Decompress(folder.Path("damaged"), content.size()), Error) << codec->name;
  }
}

/// Fails at the first byte.
class FullDisk : public std::streambuf {
 protected:
  int_type overflow(int_type) override { throw std::runtime_error("the disk is full"); }
};

TEST(CompressingStream, PassesOnWhatTheOtherStreamThrows) {
  for (const Codec* codec : Codecs()) {
    FullDisk disk;
    std::ostream file(&disk);
    file.exceptions(std::ios::badbit);
    CompressingStream stream(*codec, &file);
    stream << "content";
    EXPECT_THROW(stream.Finish(), std::runtime_error) << codec->name;
  }
}

}  // namespace
}  // namespace zhiyin::worker::data
