# The vendors of the full build, each behind one target, with headers taken as SYSTEM.
find_package(PkgConfig REQUIRED)

if(NOT EKYA_FAKE_MODELS)
  set(CAFFE2_USE_CUDNN OFF)
  find_package(Torch REQUIRED)
  add_library(ekya_torch INTERFACE)
  add_library(ekya::torch ALIAS ekya_torch)
  target_include_directories(ekya_torch SYSTEM INTERFACE ${TORCH_INCLUDE_DIRS})
  target_link_libraries(ekya_torch INTERFACE ${TORCH_LIBRARIES})
  # A LibTorch built with the other C++ ABI says so here.
  separate_arguments(ekya_torch_flags UNIX_COMMAND "${TORCH_CXX_FLAGS}")
  target_compile_options(ekya_torch INTERFACE ${ekya_torch_flags})

  # Optional, as a LibTorch that is not Debian's comes with a oneDNN of its own, without headers.
  find_path(ONEDNN_INCLUDE dnnl.hpp)
  find_library(ONEDNN dnnl)
  add_library(ekya_onednn INTERFACE)
  add_library(ekya::onednn ALIAS ekya_onednn)
  if(ONEDNN_INCLUDE AND ONEDNN)
    set(EKYA_HAS_ONEDNN ON)
    target_include_directories(ekya_onednn SYSTEM INTERFACE ${ONEDNN_INCLUDE})
    target_link_libraries(ekya_onednn INTERFACE ${ONEDNN} gomp)
  else()
    message(STATUS "oneDNN's headers (libdnnl-dev) are not here: it will not serve")
  endif()

  # Only three of OpenCV's libraries, from their own packages: the whole libopencv-dev brings 60 more.
  find_path(OPENCV_INCLUDE opencv2/dnn.hpp PATH_SUFFIXES opencv4 REQUIRED)
  find_library(OPENCV_CORE opencv_core REQUIRED)
  find_library(OPENCV_IMGPROC opencv_imgproc REQUIRED)
  find_library(OPENCV_DNN opencv_dnn REQUIRED)
  add_library(ekya_opencv INTERFACE)
  add_library(ekya::opencv ALIAS ekya_opencv)
  target_include_directories(ekya_opencv SYSTEM INTERFACE ${OPENCV_INCLUDE})
  target_link_libraries(ekya_opencv INTERFACE ${OPENCV_DNN} ${OPENCV_IMGPROC} ${OPENCV_CORE})
endif()

# Files that include torch take 20 s each without this header and 8 s with it.
function(ekya_use_torch_header target)
  if(NOT EKYA_SANITIZE)
    target_precompile_headers(${target} PRIVATE <torch/torch.h>)
  endif()
  foreach(file IN LISTS ARGN)
    file(STRINGS ${file} includes REGEX "#include <torch/")
    if(NOT includes)
      set_source_files_properties(${file} PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
    endif()
  endforeach()
  set_property(TARGET ${target} PROPERTY JOB_POOL_COMPILE torch)
endfunction()

pkg_check_modules(FFMPEG REQUIRED IMPORTED_TARGET libavformat libavcodec libswscale libavutil)
add_library(ekya_ffmpeg INTERFACE)
add_library(ekya::ffmpeg ALIAS ekya_ffmpeg)
target_link_libraries(ekya_ffmpeg INTERFACE PkgConfig::FFMPEG)

pkg_check_modules(CAIRO REQUIRED IMPORTED_TARGET cairo)
add_library(ekya_cairo INTERFACE)
add_library(ekya::cairo ALIAS ekya_cairo)
target_link_libraries(ekya_cairo INTERFACE PkgConfig::CAIRO)

# Messages between processes: the compiler's output is a library of its own, with headers taken as SYSTEM,
# so that neither our warnings nor our linters look at what nobody wrote.
find_library(GRPCPP grpc++ REQUIRED)
find_library(GRPC grpc REQUIRED)
find_library(GPR gpr REQUIRED)
find_library(ABSL_SYNCHRONIZATION absl_synchronization REQUIRED)
find_library(PROTOBUF protobuf REQUIRED)
find_program(PROTOC protoc REQUIRED)
find_program(PROTOC_GRPC grpc_cpp_plugin REQUIRED)
function(ekya_messages target proto)
  get_filename_component(name ${proto} NAME_WE)
  get_filename_component(folder ${proto} DIRECTORY)
  set(out ${CMAKE_BINARY_DIR}/messages)
  set(stem ${out}/${name})
  add_custom_command(
    OUTPUT ${stem}.pb.cc ${stem}.pb.h ${stem}.grpc.pb.cc ${stem}.grpc.pb.h
    COMMAND ${CMAKE_COMMAND} -E make_directory ${out}
    COMMAND ${PROTOC} --proto_path=${folder} --cpp_out=${out} --grpc_out=${out}
            --plugin=protoc-gen-grpc=${PROTOC_GRPC} ${proto}
    DEPENDS ${proto} VERBATIM)
  add_library(${target} STATIC ${stem}.pb.cc ${stem}.grpc.pb.cc)
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_compile_options(${target} PRIVATE -w -O1)
  target_include_directories(${target} SYSTEM PUBLIC ${out})
  target_link_libraries(${target} PUBLIC ${GRPCPP} ${GRPC} ${GPR} ${ABSL_SYNCHRONIZATION} ${PROTOBUF})
endfunction()
