#include "worker/data/unseen_source.h"

#include <glog/logging.h>

#include <string>
#include <vector>

namespace zhiyin::worker::data {
namespace {

class UnseenSource final : public Source, public SharedFiles {
 public:
  int64_t Read(int64_t, Examples*, std::vector<BadLine>*) override { Refuse(); }
  SharedFiles* shared_files() override { return this; }
  std::string PlaceOf(int64_t) const override { Refuse(); }

  bool IsPipe() const override { return true; }
  /// That of the pipe, as whoever reads it has it.
  std::vector<Unit> Units() const override { return {{{0, 0}, 1}}; }
  double RecordBytes() const override { return 0; }
  void BeginShare(const FileCut&, const FileCut&, int64_t) override { Refuse(); }
  int64_t ReadOn(int64_t, Examples*, std::vector<BadLine>*) override { Refuse(); }
  ShareFindings EndShare() override { Refuse(); }
  bool CanJump() const override { return false; }
  void SetPlaces(std::span<const int64_t>, std::vector<Records::Place>, FilePoints) override {}
  Records::Place PlaceBefore(int64_t) const override { return {}; }
  std::vector<int64_t> FileBegins() const override { return {0}; }

 private:
  [[noreturn]] static void Refuse() {
    LOG(FATAL) << "a worker reads a pipe that another one reads";
  }
};

}  // namespace

std::unique_ptr<Source> MakeUnseenSource() {
  return std::make_unique<UnseenSource>();
}

}  // namespace zhiyin::worker::data
