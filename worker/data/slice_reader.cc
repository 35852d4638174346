#include <glog/logging.h>

#include <array>
#include <condition_variable>
#include <deque>
#include <exception>
#include <map>
#include <mutex>
#include <numeric>
#include <thread>

#include "common/error.h"
#include "common/random.h"
#include "worker/data/batches.h"

namespace zhiyin::worker {
namespace {

/// Rows that are shuffled together.
struct Window {
  Rows rows;
  std::vector<uint32_t> order;
  size_t next = 0;

  void Shuffle(Random random) {
    order.resize(static_cast<size_t>(rows.n));
    std::iota(order.begin(), order.end(), 0u);
    random.Shuffle(std::span(order));
    next = 0;
  }
  int64_t n_left() const { return rows.n - static_cast<int64_t>(next); }
};

/// One stream during one epoch: windows that are filled, shuffled and used up in turn.
struct Stream {
  int number = 0;
  Rows filling;
  int n_windows = 0;
  std::deque<Window> ready;

  int64_t n_ready() const {
    int64_t n = 0;
    for (const Window& window : ready) n += window.n_left();
    return n;
  }
};

/// Thrown in the reading thread when nobody wants its slices any more.
struct Abandoned {};

}  // namespace

struct SliceReader::Impl {
  std::unique_ptr<Source> source;
  StreamPlan plan;
  std::vector<int> streams;  // own
  int64_t shuffle_rows;
  uint64_t seed;
  Normalizer normalizer;
  bool kept = true;
  std::map<int, Rows> kept_rows;  // by stream

  // Shared with the thread.
  std::mutex mutex;
  std::condition_variable changed;
  std::array<Rows, kSlicesAhead + 1> slices;  // a ring; one more than ahead: the caller holds one
  uint64_t n_made = 0;
  uint64_t n_taken = 0;
  bool stop = false;
  std::exception_ptr failure;
  std::thread thread;

  bool IsOwn(int64_t block) const {
    const int stream = plan.StreamOfBlock(block);
    return std::find(streams.begin(), streams.end(), stream) != streams.end();
  }

  /// Where the next slice goes, once there is room.
  Rows* NextSlot() {
    std::unique_lock lock(mutex);
    // The caller still reads slice n_taken - 1.
    changed.wait(lock, [&] { return stop || n_made + 1 < std::max<uint64_t>(n_taken, 1) + slices.size(); });
    if (stop) throw Abandoned();
    return &slices[n_made % slices.size()];
  }
  void Deliver() {
    {
      std::lock_guard lock(mutex);
      ++n_made;
    }
    changed.notify_all();
  }

  void EmitSlice(Stream* stream, int64_t n) {
    Rows* slice = NextSlot();
    const Rows& shape = stream->ready.empty() ? stream->filling : stream->ready.front().rows;
    slice->n_fields = shape.n_fields;
    slice->n_numerics = shape.n_numerics;
    slice->n_tasks = shape.n_tasks;
    slice->Clear();
    while (slice->n < n) {
      Window& window = stream->ready.front();
      for (; slice->n < n && window.n_left() > 0; ++window.next)
        slice->Append(window.rows, window.order[window.next]);
      if (window.n_left() == 0 && slice->n < n) stream->ready.pop_front();
    }
    normalizer.Apply(slice->numerics);
    Deliver();
  }

  void CloseWindow(int64_t epoch, Stream* stream) {
    Window& window = stream->ready.emplace_back();
    window.rows = std::move(stream->filling);
    stream->filling = Rows(window.rows.n_fields, window.rows.n_numerics, window.rows.n_tasks);
    window.Shuffle(Random(seed, static_cast<uint64_t>(epoch), static_cast<uint64_t>(stream->number),
                          static_cast<uint64_t>(stream->n_windows++)));
    while (stream->ready.size() > 1 && stream->ready.front().n_left() == 0) stream->ready.pop_front();
  }

  bool CanEmit(const std::vector<Stream>& all, int64_t step) const {
    return std::all_of(all.begin(), all.end(),
                       [&](const Stream& s) { return s.n_ready() >= plan.SliceRows(s.number, step); });
  }

  /// Rows do not fit: they are read once more, and go through windows.
  void StreamEpoch(int64_t epoch) {
    std::vector<Stream> all;
    for (int number : streams) all.emplace_back().number = number;
    int64_t step = 0;
    const int64_t n_steps = plan.StepsPerEpoch();
    const auto emit = [&] {
      for (; step < n_steps && CanEmit(all, step); ++step) {
        for (Stream& stream : all) EmitSlice(&stream, plan.SliceRows(stream.number, step));
      }
    };
    source->Scan([&](int64_t block) { return IsOwn(block); },
                 [&](int64_t block, Rows& rows, const std::vector<BadLine>&) {
                   Stream& stream = all[static_cast<size_t>(plan.StreamOfBlock(block) / plan.n_workers)];
                   if (stream.filling.n > 0 && stream.filling.n + rows.n > shuffle_rows) {
                     CloseWindow(epoch, &stream);
                     emit();
                   }
                   if (stream.filling.n == 0)
                     stream.filling = Rows(rows.n_fields, rows.n_numerics, rows.n_tasks);
                   stream.filling.Append(rows);
                   return true;
                 });
    for (Stream& stream : all) {
      if (stream.filling.n > 0) CloseWindow(epoch, &stream);
    }
    emit();
    if (step < n_steps)
      Fail("the data changed while it was used: the first pass found more rows than epoch ", epoch + 1);
  }

  void KeptEpoch(int64_t epoch, std::vector<Stream>* all) {
    for (Stream& stream : *all) {
      if (stream.ready.empty()) {
        stream.ready.emplace_back().rows = std::move(kept_rows[stream.number]);
      }
      stream.ready.front().Shuffle(
          Random(seed, static_cast<uint64_t>(epoch), static_cast<uint64_t>(stream.number), uint64_t{0}));
    }
    for (int64_t step = 0; step < plan.StepsPerEpoch(); ++step) {
      for (Stream& stream : *all) EmitSlice(&stream, plan.SliceRows(stream.number, step));
    }
  }

  void Read(int64_t first_epoch, int64_t n_epochs) {
    try {
      std::vector<Stream> all;
      for (int number : streams) all.emplace_back().number = number;
      for (int64_t epoch = first_epoch; epoch < first_epoch + n_epochs; ++epoch) {
        if (kept) {
          KeptEpoch(epoch, &all);
        } else {
          StreamEpoch(epoch);
        }
      }
    } catch (const Abandoned&) {
    } catch (...) {
      {
        std::lock_guard lock(mutex);
        failure = std::current_exception();
      }
      changed.notify_all();
    }
  }
};

SliceReader::SliceReader(std::unique_ptr<Source> source, int worker, StreamPlan plan, int64_t shuffle_rows,
                         uint64_t seed)
    : impl_(std::make_unique<Impl>()) {
  impl_->source = std::move(source);
  impl_->streams = plan.StreamsOfWorker(worker);
  impl_->plan = std::move(plan);
  impl_->shuffle_rows = shuffle_rows;
  impl_->seed = seed;
}

SliceReader::~SliceReader() {
  {
    std::lock_guard lock(impl_->mutex);
    impl_->stop = true;
  }
  impl_->changed.notify_all();
  if (impl_->thread.joinable()) impl_->thread.join();
}

BlockSummaries SliceReader::FirstPass(const std::function<void(const BadLine&)>& on_bad,
                                      const std::function<void()>& tick) {
  BlockSummaries summaries;
  impl_->source->Scan(
      [&](int64_t block) {
        tick();
        return impl_->IsOwn(block);
      },
      [&](int64_t block, Rows& rows, const std::vector<BadLine>& bad) {
        for (const BadLine& line : bad) on_bad(line);
        BlockSummary& summary = summaries[block] = BlockSummary::Of(rows);
        summary.n_bad = static_cast<int64_t>(bad.size());
        if (!bad.empty()) summary.first_bad = bad.front().what;
        if (!impl_->kept) return true;
        auto [stream, is_new] = impl_->kept_rows.try_emplace(impl_->plan.StreamOfBlock(block), rows.n_fields,
                                                             rows.n_numerics, rows.n_tasks);
        if (stream->second.n + rows.n > impl_->shuffle_rows) {
          impl_->kept = false;
          impl_->kept_rows.clear();
        } else {
          stream->second.Append(rows);
        }
        return true;
      });
  return summaries;
}

void SliceReader::Start(StreamPlan plan, Normalizer normalizer, int64_t first_epoch, int64_t n_epochs) {
  CHECK(!impl_->thread.joinable()) << "started twice";
  impl_->plan = std::move(plan);
  impl_->normalizer = std::move(normalizer);
  impl_->thread =
      std::thread([impl = impl_.get(), first_epoch, n_epochs] { impl->Read(first_epoch, n_epochs); });
}

const Rows& SliceReader::Next() {
  std::unique_lock lock(impl_->mutex);
  ++impl_->n_taken;
  impl_->changed.notify_all();
  impl_->changed.wait(lock, [&] { return impl_->failure != nullptr || impl_->n_made >= impl_->n_taken; });
  if (impl_->n_made < impl_->n_taken) std::rethrow_exception(impl_->failure);
  return impl_->slices[(impl_->n_taken - 1) % impl_->slices.size()];
}

}  // namespace zhiyin::worker
