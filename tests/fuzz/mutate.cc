#include "tests/fuzz/mutate.h"

#include <algorithm>
#include <cstring>
#include <limits>

namespace zhiyin::fuzz {
namespace {

constexpr uint64_t kSpecialNumbers[] = {
    0,
    1,
    2,
    (1ull << 31) - 1,
    1ull << 31,
    (1ull << 32) - 1,
    1ull << 32,
    1ull << 60,
    1ull << 61,
    1ull << 62,
    std::numeric_limits<int64_t>::max(),
    1ull << 63,
    ~0ull,
    0x7ff0000000000000,  // infinity
    0x7ff8000000000000,  // not a number
    0x7fc000007fc00000,  // two of them, as floats
};
/// Longer runs would mostly fall into one array of one message.
constexpr size_t kLongestRun = 64;

struct Run {
  size_t begin;
  size_t length;
};

Run AnyRun(const std::string& bytes, Random* random) {
  const size_t begin = random->Below(bytes.size() + 1);
  return {begin, random->Below(std::min(kLongestRun, bytes.size() - begin) + 1)};
}

void FlipBit(std::string* bytes, Random* random) {
  if (!bytes->empty())
    (*bytes)[random->Below(bytes->size())] ^= static_cast<char>(1 << random->Below(8));
}

/// Numbers mostly begin at a multiple of their size.
void ReplaceNumber(std::string* bytes, Random* random) {
  const uint64_t number = kSpecialNumbers[random->Below(std::size(kSpecialNumbers))];
  const size_t size = size_t{1} << random->Below(4);
  if (bytes->size() < size) return;
  size_t at = random->Below(bytes->size() - size + 1);
  if (random->Below(2) == 0) at -= at % size;
  std::memcpy(bytes->data() + at, &number, size);
}

void CutOff(std::string* bytes, Random* random) {
  bytes->resize(random->Below(bytes->size() + 1));
}

void CutOut(std::string* bytes, Random* random) {
  const Run run = AnyRun(*bytes, random);
  bytes->erase(run.begin, run.length);
}

void Extend(std::string* bytes, Random* random) {
  for (uint64_t n = random->Below(kLongestRun); n > 0; --n)
    bytes->push_back(static_cast<char>(random->Next()));
}

void Double(std::string* bytes, Random* random) {
  const Run run = AnyRun(*bytes, random);
  const std::string copy = bytes->substr(run.begin, run.length);
  bytes->insert(run.begin, copy);
}

void Splice(std::string* bytes, const std::string& other, Random* random) {
  const Run run = AnyRun(other, random);
  bytes->insert(random->Below(bytes->size() + 1), other, run.begin, run.length);
}

}  // namespace

std::string Mutate(std::span<const std::string> seeds, Random* random) {
  std::string bytes = seeds[random->Below(seeds.size())];
  for (uint64_t n = 1 + random->Below(4); n > 0; --n) {
    switch (random->Below(7)) {
      case 0:
        FlipBit(&bytes, random);
        break;
      case 1:
        ReplaceNumber(&bytes, random);
        break;
      case 2:
        CutOff(&bytes, random);
        break;
      case 3:
        CutOut(&bytes, random);
        break;
      case 4:
        Extend(&bytes, random);
        break;
      case 5:
        Double(&bytes, random);
        break;
      case 6:
        Splice(&bytes, seeds[random->Below(seeds.size())], random);
        break;
    }
  }
  return bytes;
}

}  // namespace zhiyin::fuzz
