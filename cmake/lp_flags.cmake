# lp_flags: what every target of ours is compiled and linked with. Nothing is
# global but the C standard, so a program that includes us by add_subdirectory
# keeps its own flags.
include(CheckCCompilerFlag)
add_library(lp_flags INTERFACE)
target_compile_definitions(lp_flags INTERFACE _GNU_SOURCE)
# Asserts are part of what headers promise, in builds of whoever takes this in, too.
target_compile_options(lp_flags INTERFACE -UNDEBUG)
target_compile_options(lp_flags INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion
    -Wcast-qual -Wundef -Wstrict-prototypes -Wmissing-prototypes -Wvla
    -Wswitch-enum -Wpointer-arith -Wwrite-strings
    -fno-omit-frame-pointer
    $<$<BOOL:${LP_WERROR}>:-Werror>)
if(LP_SANITIZE)
    target_compile_options(lp_flags INTERFACE -fsanitize=${LP_SANITIZE}
        -fno-sanitize-recover=all)
    target_link_options(lp_flags INTERFACE -fsanitize=${LP_SANITIZE})
endif()
if(LP_HARDEN)
    # Not every processor has every one of these.
    foreach(flag -fstack-protector-strong -fstack-clash-protection
            -fcf-protection)
        string(MAKE_C_IDENTIFIER "LP_HAS${flag}" has)
        check_c_compiler_flag(${flag} ${has})
        if(${has})
            target_compile_options(lp_flags INTERFACE ${flag})
        endif()
    endforeach()
    # glibc refuses to fortify what is not optimised.
    target_compile_options(lp_flags INTERFACE
        $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE$<SEMICOLON>-D_FORTIFY_SOURCE=2>)
    target_link_options(lp_flags INTERFACE
        -Wl,-z,relro,-z,now -Wl,-z,noexecstack)
endif()
