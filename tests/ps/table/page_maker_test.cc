#include "ps/table/page_maker.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <chrono>
#include <cstdint>
#include <thread>
#include <utility>
#include <vector>

namespace zhiyin::ps::table {
namespace {

constexpr size_t kSmallPage = 4096;

size_t ResidentPages(const std::byte* begin, size_t n_bytes) {
  std::vector<unsigned char> is_resident(n_bytes / kSmallPage);
  EXPECT_EQ(mincore(const_cast<std::byte*>(begin), n_bytes, is_resident.data()), 0);
  size_t n = 0;
  for (const unsigned char page : is_resident) n += page & 1;
  return n;
}

void Await(const PageMaker& maker) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (maker.IsBusy() && std::chrono::steady_clock::now() < end) std::this_thread::yield();
  ASSERT_FALSE(maker.IsBusy());
}

TEST(PageMaker, MakesThePagesItIsToldTo) {
  const HugeChunk chunk = MapHugeChunk(4 * kHugePage, 0);
  EXPECT_EQ(ResidentPages(chunk.get(), 4 * kHugePage), 0u);
  PageMaker maker;
  EXPECT_FALSE(maker.IsBusy());
  maker.MakePages(chunk.get() + kHugePage, 2 * kHugePage);
  Await(maker);
  EXPECT_EQ(ResidentPages(chunk.get(), kHugePage), 0u);
  EXPECT_EQ(ResidentPages(chunk.get() + kHugePage, 2 * kHugePage), 2 * kHugePage / kSmallPage);
  EXPECT_EQ(ResidentPages(chunk.get() + 3 * kHugePage, kHugePage), 0u);
}

TEST(PageMaker, GivesChunksOfTheSizeThatIsTaken) {
  PageMaker maker;
  for (const auto& [ahead, taken] : {std::pair<size_t, size_t>(2, 2), {2, 3}, {0, 1}, {1, 1}}) {
    if (ahead > 0) maker.MapAhead(ahead * kHugePage);
    if (ahead == 2) Await(maker);  // otherwise it may not be there yet
    const HugeChunk chunk = maker.TakeChunk(taken * kHugePage);
    EXPECT_EQ(chunk.get_deleter().n_bytes, taken * kHugePage);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(chunk.get()) % kHugePage, 0u);
    chunk[taken * kHugePage - 1] = std::byte{1};
  }
}

TEST(PageMaker, AChunkIsTakenOnce) {
  PageMaker maker;
  maker.MapAhead(kHugePage);
  maker.MapAhead(kHugePage);
  Await(maker);
  const HugeChunk first = maker.TakeChunk(kHugePage);
  const HugeChunk second = maker.TakeChunk(kHugePage);
  EXPECT_NE(first.get(), second.get());
}

/// What it was told to make may go as soon as it is gone itself.
TEST(PageMaker, MayGoWhileItIsBusy) {
  for (int i = 0; i < 200; ++i) {
    const HugeChunk chunk = MapHugeChunk(2 * kHugePage, 0);
    PageMaker first;
    first.MapAhead(kHugePage);
    for (int page = 0; page < 2; ++page)
      first.MakePages(chunk.get() + static_cast<size_t>(page) * kHugePage, kHugePage);
    PageMaker second(std::move(first));
    second.MakePages(chunk.get(), kHugePage);
  }
}

TEST(BytesAhead, AreAFewPagesOrASmallShare) {
  EXPECT_EQ(BytesAhead(0), kHugePage);
  EXPECT_EQ(BytesAhead(20 * kHugePage), 2 * kHugePage);
  EXPECT_EQ(BytesAhead(500 * kHugePage), 16 * kHugePage);
  EXPECT_EQ(BytesAhead(6400 * kHugePage), 100 * kHugePage);
}

}  // namespace
}  // namespace zhiyin::ps::table
