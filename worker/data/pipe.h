// A pipe in the place of a data file: standard input or a named pipe, whose bytes come once, in
// order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "common/tick.h"
#include "configs/job.pb.h"
#include "worker/data/raw_file.h"

namespace zhiyin::worker::data {

/// The name of standard input in data.train.file and data.test.file. A file that is called so is
/// "./-".
inline constexpr char kStandardInput[] = "-";

/// Whether a name is that of a pipe: of standard input, or of a named pipe on this host.
bool IsPipe(const std::string& path);
/// Whether the files of a split are one pipe.
bool IsPipe(const Split& split);

/// An open pipe. While it lives, OpenRawFile opens it by its name, as often as a file is opened to
/// be looked at and read. Its first kStartBytes bytes are kept and can be read again; those behind
/// them can be read once, each by whoever reads on where the last one has ended.
///
/// The pipes that are open are known to the whole process, as its standard input is. Used by one
/// thread at a time.
///
///   Pipe pipe("-", rank, tick);
///   const std::unique_ptr<Source> source = MakeSource(job, ...);  // whose only file is "-"
class Pipe {
 public:
  /// More than anything looks at to see what a file is.
  static constexpr int64_t kStartBytes = 8 << 20;

  /// Opens the pipe, and waits for nobody. `rank` is that of this process, for a message. `tick` is
  /// called while the pipe is read, and while it is waited for, which a line in the log says: how
  /// long the writer takes is not known. Throws Error where there is nothing to read.
  Pipe(const std::string& path, int rank, Tick tick);
  ~Pipe();
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  /// Replaces the tick, for another thread that reads from now on.
  void SetTick(Tick tick) { tick_ = std::move(tick); }
  /// Reads as RawFile::ReadAt does. Throws Error for bytes that were read and not kept.
  size_t ReadAt(int64_t offset, char* to, size_t n);

 private:
  struct Descriptor {
    explicit Descriptor(int open_fd) : fd(open_fd) {}
    ~Descriptor();
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;

    const int fd;
  };

  /// Reads some bytes, at most n; returns 0 at the end of the pipe, and then always.
  size_t ReadOn(char* to, size_t n);
  /// Returns when there is something to read, or the pipe has ended.
  void Wait();

  std::string path_;
  Tick tick_;
  Descriptor file_;
  std::string start_;   // the first bytes
  int64_t n_read_ = 0;  // bytes
  bool at_end_ = false;
};

/// The open pipe of this name, as a file; null where there is none.
std::unique_ptr<RawFile> OpenPipe(const std::string& path);
/// Replaces the tick of the open pipe of this name; does nothing where there is none.
void SetPipeTick(const std::string& path, Tick tick);

}  // namespace zhiyin::worker::data
