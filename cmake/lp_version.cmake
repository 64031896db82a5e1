# lp_version_read(HEADER OUT): MAJOR.MINOR.PATCH as the header's macros have it;
# the header's own string must say the same.
function(lp_version_read header out)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${header})
    file(READ ${header} text)
    set(parts "")
    foreach(part MAJOR MINOR PATCH)
        if(NOT text MATCHES "#define LP_VERSION_${part} +([0-9]+)\n")
            message(FATAL_ERROR "${header} has no LP_VERSION_${part}")
        endif()
        list(APPEND parts ${CMAKE_MATCH_1})
    endforeach()
    list(JOIN parts "." version)
    if(NOT text MATCHES "#define LP_VERSION_STRING +\"([^\"]*)\""
       OR NOT CMAKE_MATCH_1 STREQUAL version)
        message(FATAL_ERROR "${header}: LP_VERSION_STRING is \"${CMAKE_MATCH_1}\""
            ", its numbers are ${version}")
    endif()
    set(${out} ${version} PARENT_SCOPE)
endfunction()
