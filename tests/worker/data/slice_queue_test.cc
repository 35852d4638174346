#include "worker/data/slice_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <functional>
#include <semaphore>
#include <set>
#include <thread>

#include "common/error.h"

namespace zhiyin::worker::data {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::ThrowsMessage;

constexpr int kAhead = SliceQueue::kSlicesAhead;

/// Fills the next slot as a slice of one example with this number, and pushes it. REQUIRES: an
/// order, and room.
void PushNumber(SliceQueue* queue, float number) {
  Examples* slot = queue->WaitForSlot();
  ASSERT_NE(slot, nullptr);
  slot->Clear();
  slot->n = 1;
  slot->numerics.push_back(number);
  queue->Push();
}

float PopNumber(SliceQueue* queue) {
  return queue->Pop([] {}).numerics.at(0);
}

void OrderSlices(SliceQueue* queue, int n) {
  for (int i = 0; i < n; ++i) queue->Order({.epoch = i, .pieces = {}});
}

/// Answers every order by a slice with the number of its epoch, in a thread of its own, until the
/// queue is closed. `before_push` is called when a slot is there, `after_push` after each push.
class Producer {
 public:
  explicit Producer(
      SliceQueue* queue, const std::function<void()>& before_push = [] {},
      const std::function<void()>& after_push = [] {})
      : queue_(queue), thread_([=] {
          while (const SliceOrder* order = queue->WaitForOrder()) {
            Examples* slot = queue->WaitForSlot();
            if (slot == nullptr) return;
            before_push();
            slot->Clear();
            slot->n = 1;
            slot->numerics.push_back(static_cast<float>(order->epoch));
            queue->Push();
            after_push();
          }
        }) {}
  ~Producer() {
    queue_->Close();
    thread_.join();
  }
  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;

 private:
  SliceQueue* queue_;
  std::thread thread_;
};

TEST(SliceQueue, GivesSlicesInTheOrderOfTheirOrders) {
  SliceQueue queue;
  const Producer producer(&queue);
  OrderSlices(&queue, 60);
  for (int i = 0; i < 30; ++i) EXPECT_EQ(PopNumber(&queue), static_cast<float>(i));
  for (int i = 60; i < 200; ++i) queue.Order({.epoch = i, .pieces = {}});
  for (int i = 30; i < 200; ++i) EXPECT_EQ(PopNumber(&queue), static_cast<float>(i));
}

TEST(SliceQueue, AnOrderStaysUntilItsSliceIsPushed) {
  SliceQueue queue;
  queue.Order({.epoch = 7, .pieces = {{.run = 3, .begin = 5, .n = 2}}});
  const SliceOrder* order = queue.WaitForOrder();
  ASSERT_NE(order, nullptr);
  OrderSlices(&queue, 1000);
  EXPECT_EQ(queue.WaitForOrder(), order);
  EXPECT_EQ(order->epoch, 7);
  ASSERT_EQ(order->pieces.size(), 1u);
  EXPECT_EQ(order->pieces[0].run, 3);
  EXPECT_EQ(order->pieces[0].begin, 5);
  EXPECT_EQ(order->pieces[0].n, 2);
  PushNumber(&queue, 0);
  EXPECT_EQ(queue.WaitForOrder()->epoch, 0);
}

TEST(SliceQueue, TellsTheRunsOfSlicesThatAreNotPushed) {
  SliceQueue queue;
  EXPECT_THAT(queue.OrderedRuns(), IsEmpty());
  queue.Order({.epoch = 0, .pieces = {{.run = 4}, {.run = 2}}});
  queue.Order({.epoch = 0, .pieces = {}});
  queue.Order({.epoch = 1, .pieces = {{.run = 4}}});
  EXPECT_THAT(queue.OrderedRuns(), ElementsAre(4, 2, 4));
  PushNumber(&queue, 0);
  EXPECT_THAT(queue.OrderedRuns(), ElementsAre(4));
  PushNumber(&queue, 0);
  EXPECT_THAT(queue.OrderedRuns(), ElementsAre(4));
  PushNumber(&queue, 0);
  EXPECT_THAT(queue.OrderedRuns(), IsEmpty());
}

TEST(SliceQueue, IsAheadByAFixedNumberOfSlicesAndNoMore) {
  constexpr int kSlices = 10;
  for (int round = 0; round < 50; ++round) {
    SliceQueue queue;
    // Counted before the call of Pop, so that the producer sees at least what was taken.
    std::atomic<int> n_taken = 0;
    std::atomic<int> most_ahead = 0;
    int n_pushed = 0;
    std::counting_semaphore<> pushed(0);
    const auto note_ahead = [&] {
      // With the slice that is about to be pushed.
      most_ahead = std::max<int>(most_ahead, ++n_pushed - n_taken);
    };
    const Producer producer(&queue, note_ahead, [&] { pushed.release(); });
    OrderSlices(&queue, kSlices);
    for (int i = 0; i < kAhead; ++i) pushed.acquire();
    for (int i = 0; i < kSlices; ++i) {
      ++n_taken;
      EXPECT_EQ(PopNumber(&queue), static_cast<float>(i));
      // The producer gets ahead again without another Pop.
      if (i + kAhead < kSlices) pushed.acquire();
    }
    EXPECT_LE(most_ahead, kAhead);
  }
}

TEST(SliceQueue, ThePoppedSliceIsTheCallersUntilTheNextPop) {
  SliceQueue queue;
  std::counting_semaphore<> pushed(0);
  const Producer producer(
      &queue, [] {}, [&] { pushed.release(); });
  OrderSlices(&queue, 50);
  for (int i = 0; i < kAhead; ++i) pushed.acquire();
  for (int i = 0; i + kAhead < 50; ++i) {
    const Examples& slice = queue.Pop([] {});
    pushed.acquire();  // all other slots are filled again
    EXPECT_THAT(slice.numerics, ElementsAre(static_cast<float>(i)));
  }
}

TEST(SliceQueue, UsesTheMemoryOfItsSlotsAgain) {
  SliceQueue queue;
  OrderSlices(&queue, 40);
  std::set<const Examples*> slots;
  for (int i = 0; i < 40; ++i) {
    PushNumber(&queue, static_cast<float>(i));
    slots.insert(&queue.Pop([] {}));
  }
  EXPECT_EQ(slots.size(), static_cast<size_t>(kAhead + 1));
}

TEST(SliceQueue, AnErrorComesAfterTheSlicesBeforeItAndStays) {
  SliceQueue queue;
  OrderSlices(&queue, 3);
  PushNumber(&queue, 10);
  PushNumber(&queue, 11);
  queue.Fail(std::make_exception_ptr(Error("the file is gone")));
  EXPECT_EQ(PopNumber(&queue), 10);
  EXPECT_EQ(PopNumber(&queue), 11);
  for (int i = 0; i < 2; ++i)
    EXPECT_THAT([&] { PopNumber(&queue); }, ThrowsMessage<Error>("the file is gone"));
}

TEST(SliceQueue, AnErrorEndsAWait) {
  SliceQueue queue;
  OrderSlices(&queue, 1);
  std::binary_semaphore waits(0);
  std::thread reader([&] {
    waits.acquire();
    queue.Fail(std::make_exception_ptr(Error("the file is gone")));
  });
  bool has_begun = false;
  const auto tick = [&] {
    if (!has_begun) waits.release();
    has_begun = true;
  };
  EXPECT_THAT([&] { queue.Pop(tick); }, ThrowsMessage<Error>("the file is gone"));
  reader.join();
}

TEST(SliceQueue, TicksOnceWhereNothingIsWaitedFor) {
  SliceQueue queue;
  OrderSlices(&queue, 2);
  int n_ticks = 0;
  for (int i = 1; i <= 2; ++i) {
    PushNumber(&queue, 0);
    queue.Pop([&] { ++n_ticks; });
    EXPECT_EQ(n_ticks, i);
  }
}

TEST(SliceQueue, ClosingEndsTheWaitForAnOrder) {
  SliceQueue queue;
  std::binary_semaphore begins(0);
  const SliceOrder* order = nullptr;
  OrderSlices(&queue, 1);
  std::thread reader([&] {
    PushNumber(&queue, 0);
    begins.release();
    order = queue.WaitForOrder();
  });
  begins.acquire();
  queue.Close();
  reader.join();
  EXPECT_EQ(order, nullptr);
}

TEST(SliceQueue, ClosingEndsTheWaitForASlot) {
  SliceQueue queue;
  std::counting_semaphore<> pushed(0);
  {
    const Producer producer(
        &queue, [] {}, [&] { pushed.release(); });
    OrderSlices(&queue, 20);
    for (int i = 0; i < kAhead; ++i) pushed.acquire();
    // The producer waits for a slot, or is about to.
  }
  EXPECT_FALSE(pushed.try_acquire());
}

TEST(SliceQueue, OnceClosedItGivesTheReaderNothing) {
  SliceQueue queue;
  OrderSlices(&queue, 5);
  EXPECT_FALSE(queue.IsClosed());
  EXPECT_NE(queue.WaitForOrder(), nullptr);
  EXPECT_NE(queue.WaitForSlot(), nullptr);
  queue.Close();
  EXPECT_TRUE(queue.IsClosed());
  EXPECT_EQ(queue.WaitForOrder(), nullptr);
  EXPECT_EQ(queue.WaitForSlot(), nullptr);
}

TEST(SliceQueue, TicksAgainOnlyWhileTheReaderMakesProgress) {
  SliceQueue queue;
  OrderSlices(&queue, 1);
  std::atomic<int> n_ticks = 0;
  std::thread reader([&] {
    while (n_ticks < 3) {
      queue.NoteProgress();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    // From here on it hangs, as on a file share that is gone.
    std::this_thread::sleep_for(3 * SliceQueue::kTickEvery);
    PushNumber(&queue, 7);
  });
  queue.Pop([&] { ++n_ticks; });
  reader.join();
  EXPECT_LE(n_ticks, 4) << "one more for progress that was not yet told";
}

}  // namespace
}  // namespace zhiyin::worker::data
